//go:build !linux

package network

import (
	"context"
	"errors"
	"net"
)

// Packets is for Linux only.
type Packets struct{}

var errLinux = errors.New("network namespaces are for Linux only")

// NewPackets fails.
func NewPackets() (*Packets, error) { return nil, errLinux }

// PacketsAllowed says that they are not.
func PacketsAllowed() error { return errLinux }

func (*Packets) Host(string) (string, []string, error)                  { return "", nil, errLinux }
func (*Packets) Set(Rule, ...Way) error                                 { return errLinux }
func (*Packets) Heal() error                                            { return errLinux }
func (*Packets) Dial(context.Context, string, string) (net.Conn, error) { return nil, errLinux }
func (*Packets) Close()                                                 {}
