package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// builtins are the tools that the shell library provides; called by name, they run as one shell command.
var builtins = map[string]bool{
	"[": true, "echo": true, "false": true, "printf": true, "pwd": true, "test": true, "true": true,
}

// shell is sh: `sh -c command [name [argument...]]`, `sh file [argument...]`, or standard input, with a prompt if it is
// a terminal. The options of `set` work too (`sh -ec …`). Status 2 is wrong usage or syntax.
func shell(args []string) int {
	call, err := parseCall(args)
	if err != nil {
		return complain("sh", err)
	}
	interactive := call.interactive ||
		(call.command == nil && call.file == "" && term.IsTerminal(int(os.Stdin.Fd())))
	runner, err := newRunner(append(append(call.options, "--"), call.params...), interactive)
	if err != nil {
		return complain("sh", err)
	}
	// The Bash variant: in the POSIX variant the library's parser leaves `export` and `local` to the interpreter, which
	// knows them only as syntax.
	parser := syntax.NewParser(syntax.Variant(syntax.LangBash))
	switch {
	case call.command != nil:
		return runScript(runner, parser, strings.NewReader(*call.command), call.name)
	case call.file != "":
		file, err := os.Open(call.file)
		if err != nil {
			complain("sh", err)
			return 127
		}
		defer file.Close()
		return runScript(runner, parser, file, call.file)
	case interactive:
		return converse(runner, parser)
	}
	return runScript(runner, parser, os.Stdin, "sh")
}

// shellCall holds the parsed arguments of sh.
type shellCall struct {
	options     []string // for `set`
	command     *string  // -c; not nil even when empty
	name        string   // $0
	file        string
	params      []string // $1…
	interactive bool
}

// parseCall reads the arguments of sh (POSIX, sh: options, then the -c string or a file, then parameters).
func parseCall(args []string) (shellCall, error) {
	call := shellCall{name: "sh"}
	command, stdin := false, false
	for len(args) > 0 && len(args[0]) > 1 && (args[0][0] == '-' || args[0][0] == '+') {
		word := args[0]
		args = args[1:]
		if word == "--" {
			break
		}
		for i := 1; i < len(word); i++ {
			switch letter := word[i]; {
			case letter == 'c':
				command = true
			case letter == 's':
				stdin = true
			case letter == 'i':
				call.interactive = true
			case letter == 'l': // a login shell reads profiles; there are none
			case letter == 'o' && len(args) > 0:
				call.options = append(call.options, word[:1]+"o", args[0])
				args = args[1:]
			case strings.IndexByte("aefnux", letter) >= 0:
				call.options = append(call.options, string([]byte{word[0], letter}))
			default:
				return call, fmt.Errorf("unknown option -%c", letter)
			}
		}
	}
	if command {
		if len(args) == 0 {
			return call, errors.New("-c needs a command")
		}
		call.command, args = &args[0], args[1:]
		if len(args) > 0 {
			call.name, args = args[0], args[1:]
		}
	} else if len(args) > 0 && !stdin {
		call.file, args = args[0], args[1:]
	}
	call.params = args
	return call, nil
}

// newRunner creates an interpreter on the process's own streams that finds commands in tools first, in PATH second.
func newRunner(params []string, interactive bool) (*interp.Runner, error) {
	dir, err := os.Getwd()
	if err != nil { // a folder that the uid cannot read must not stop the shell
		dir = "/"
	}
	return interp.New(
		interp.Dir(dir),
		interp.StdIO(os.Stdin, os.Stdout, os.Stderr),
		interp.Params(params...),
		interp.ExecHandlers(toolsFirst(interactive)),
	)
}

// toolsFirst runs the tools inside the shell's process: without a lookup, they work in an image that kept only /bin/sh,
// and a sidecar is one process, whose id is the `$$` that KServe links to. An interactive shell starts those on PATH as
// processes, which Ctrl-C ends wherever they hang.
func toolsFirst(interactive bool) func(interp.ExecHandlerFunc) interp.ExecHandlerFunc {
	return func(next interp.ExecHandlerFunc) interp.ExecHandlerFunc {
		return func(ctx context.Context, args []string) error {
			shell := interp.HandlerCtx(ctx)
			tool, ok := tools[args[0]]
			if ok && interactive {
				_, err := interp.LookPathDir(shell.Dir, shell.Env, args[0])
				ok = err != nil
			}
			if !ok {
				return next(ctx, args)
			}
			streams := streams{in: shell.Stdin, out: shell.Stdout, err: shell.Stderr, dir: shell.Dir, done: ctx.Done()}
			if status := tool(streams, args[1:]); status != 0 {
				return interp.ExitStatus(status)
			}
			return nil
		}
	}
}

// runBuiltin runs one builtin of the shell library with literal arguments.
func runBuiltin(name string, args []string) int {
	runner, err := newRunner(nil, false)
	if err != nil {
		return complain(name, err)
	}
	call := &syntax.CallExpr{}
	for _, arg := range append([]string{name}, args...) {
		call.Args = append(call.Args, &syntax.Word{Parts: []syntax.WordPart{&syntax.SglQuoted{Value: arg}}})
	}
	return status(name, runner.Run(context.Background(), &syntax.Stmt{Cmd: call}))
}

// complain writes "name: error" to standard error and returns 2, the status of wrong usage.
func complain(name string, err error) int {
	fmt.Fprintf(os.Stderr, "%s: %v\n", name, reason(err))
	return 2
}

// status turns the interpreter's result into an exit status and prints errors that are not one.
func status(name string, err error) int {
	if code, ok := errors.AsType[interp.ExitStatus](err); ok {
		return int(code)
	}
	if err != nil {
		complain(name, err)
		return 1
	}
	return 0
}
