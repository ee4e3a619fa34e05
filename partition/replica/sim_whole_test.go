//go:build !breakage

package replica

func activeBreakage() breakage { return 0 }
