package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// clockTick is the unit of the times in /proc, the same on all Linux systems
// (USER_HZ).
const clockTick = 10 * time.Millisecond

// cpuTime returns the user and system time of processes so far.
func cpuTime(servers []*process) (time.Duration, error) {
	var total time.Duration
	for _, p := range servers {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
		if err != nil {
			return 0, err
		}
		// The second field is the name in parentheses, which may hold anything;
		// user and system time are fields 14 and 15.
		text := string(stat)
		fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
		if len(fields) < 13 {
			return 0, fmt.Errorf("%q is no /proc/PID/stat", text)
		}
		for _, field := range fields[11:13] {
			ticks, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				return 0, err
			}
			total += time.Duration(ticks) * clockTick
		}
	}
	return total, nil
}

// resident returns the bytes of memory that processes have in use, together.
func resident(servers []*process) (int64, error) {
	var total int64
	for _, p := range servers {
		statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
		if err != nil {
			return 0, err
		}
		fields := strings.Fields(string(statm))
		if len(fields) < 2 {
			return 0, fmt.Errorf("%q is no /proc/PID/statm", statm)
		}
		pages, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			return 0, err
		}
		total += pages * int64(os.Getpagesize())
	}
	return total, nil
}

// peak returns the most bytes of memory that one of these processes has had in use,
// since it started or resetPeak.
func peak(servers []*process) (most int64, err error) {
	for _, p := range servers {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
		if err != nil {
			return 0, err
		}
		var kib int64
		_, rest, _ := strings.Cut(string(status), "VmHWM:")
		if _, err := fmt.Sscan(rest, &kib); err != nil {
			return 0, fmt.Errorf("VmHWM of %s: %w", p.address, err)
		}
		most = max(most, kib<<10)
	}
	return most, nil
}

// resetPeak has peak begin anew, with what the processes have in use now, and returns
// that of the largest.
func resetPeak(servers []*process) (int64, error) {
	for _, p := range servers {
		// 5 sets the peak back: see proc(5).
		if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.cmd.Process.Pid), []byte("5"), 0); err != nil {
			return 0, err
		}
	}
	return peak(servers)
}

// printMemory prints a peak beside what was in use before.
func (b *bench) printMemory(of string, most, before int64) {
	b.printf("  %-*s %8.0f MB  at most, %.0f MB before\n", nameWidth-2, of, float64(most)/1e6, float64(before)/1e6)
}

// ownCPU returns this process's user and system time so far.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
