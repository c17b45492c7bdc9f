package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// runScript parses the whole script, then runs it: one with a syntax error runs nothing and ends with status 2.
func runScript(runner *interp.Runner, parser *syntax.Parser, script io.Reader, name string) int {
	file, err := parser.Parse(script, name)
	if err != nil {
		return complain("sh", err)
	}
	return status(name, runner.Run(context.Background(), file))
}

// converse reads commands from a terminal (`kubectl exec -it … -- sh`). Ctrl-C ends the running command, not the
// shell, and so does a syntax error; Ctrl-D and `exit` end the shell.
func converse(runner *interp.Runner, parser *syntax.Parser) int {
	onInterrupt.Store(new(func() {})) // at the prompt, Ctrl-C only discards the line
	for {
		code, err := readCommands(runner, parser)
		if err == nil {
			return code
		}
		complain("sh", err)
		if _, syntactic := errors.AsType[syntax.ParseError](err); !syntactic { // the terminal is gone
			return code
		}
	}
}

// readCommands runs commands until the input or the shell ends; it fails on syntax errors and unreadable input.
func readCommands(runner *interp.Runner, parser *syntax.Parser) (code int, err error) {
	fmt.Fprint(os.Stderr, "$ ")
	for statements, err := range parser.InteractiveSeq(os.Stdin) {
		if err != nil {
			return 2, err
		}
		if parser.Incomplete() {
			fmt.Fprint(os.Stderr, "> ")
			continue
		}
		for _, statement := range statements {
			var interrupted bool
			if code, interrupted = runInterruptible(runner, statement); interrupted {
				break
			}
			if runner.Exited() {
				return code, nil
			}
		}
		fmt.Fprint(os.Stderr, "$ ")
	}
	return code, nil
}

// runInterruptible runs one statement that Ctrl-C cancels, with status 130 as in other shells.
func runInterruptible(runner *interp.Runner, statement *syntax.Stmt) (code int, interrupted bool) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop := func() { cancel() }
	onInterrupt.Store(&stop)
	err := runner.Run(ctx, statement)
	if ctx.Err() != nil {
		fmt.Fprintln(os.Stderr)
		return 130, true
	}
	return status("sh", err), false
}
