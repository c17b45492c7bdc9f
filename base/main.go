// The one program of the embedded base image: a POSIX shell and the few tools that KServe runs in a modelcar. The name
// that it is called by selects the tool: /bin/sh is the file; /bin/ls and the others are symbolic links to it.
package main

import (
	"os"
	"path/filepath"
)

func main() {
	endOnSignals()
	// `kubectl exec` may set no PATH, and KServe's own commands name their tools without a folder.
	if _, set := os.LookupEnv("PATH"); !set {
		os.Setenv("PATH", "/bin")
	}
	os.Exit(run(filepath.Base(os.Args[0]), os.Args[1:]))
}

// run acts as the tool called name and returns the exit status. Any other name is the shell, so that the binary still
// works when it is copied under another name; a login shell is called "-sh".
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
