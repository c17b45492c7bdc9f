package main

import (
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// onInterrupt, if set, replaces Ctrl-C's default of ending the process: an interactive shell survives it.
var onInterrupt atomic.Pointer[func()]

// endOnSignals makes SIGTERM, SIGINT and SIGHUP end the process at once with status 128 + signal.
//
// The kernel ignores a signal that process 1 of a PID namespace has no handler for, and a modelcar's shell is process 1
// wherever the namespace is not shared. Most shells then sleep on until the kubelet's grace period (30 s) is over; with
// a handler the pod terminates at once. Nothing needs cleaning up: the tools run inside this process.
//
// Orphans are not reaped. In KServe's pods the namespace is shared and `pause` reaps them; elsewhere the only orphans
// are those of a `kubectl exec`, and waiting for any child would steal the status of the shell's own.
func endOnSignals() {
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	go func() {
		for s := range caught {
			if stop := onInterrupt.Load(); s == syscall.SIGINT && stop != nil {
				(*stop)()
				continue
			}
			os.Exit(128 + int(s.(syscall.Signal)))
		}
	}()
}
