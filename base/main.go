// The one program of the embedded base image: a POSIX shell and the few tools KServe runs in a modelcar.
// It acts by the name it is called by: /bin/sh is the file, /bin/ls and the others are symbolic links to it.
package main

import (
	"os"
	"path/filepath"
)

func main() {
	endOnSignals()
	// `kubectl exec` may come without PATH, and KServe's own commands name their tools without a folder.
	if _, set := os.LookupEnv("PATH"); !set {
		os.Setenv("PATH", "/bin")
	}
	os.Exit(run(filepath.Base(os.Args[0]), os.Args[1:]))
}

// run acts as the tool called name and returns the exit status. A name that is none of ours is the shell, so that
// the binary still works when somebody copies it under another name; a login shell is called "-sh".
func run(name string, args []string) int {
	streams := streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	if tool, ok := tools[name]; ok {
		return tool(streams, args)
	}
	if builtins[name] {
		return runBuiltin(name, args)
	}
	return shell(args)
}
