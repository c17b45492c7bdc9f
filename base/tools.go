package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// streams is where a tool reads and writes, and the folder that relative names start from: the shell's, which `cd`
// changes without changing the process's.
type streams struct {
	in       io.Reader
	out, err io.Writer
	dir      string
	done     <-chan struct{} // closed when the shell abandons the tool
}

// tools are the commands that are not builtins of the shell library. Each returns its exit status.
var tools = map[string]func(streams, []string) int{
	"cat": cat, "ln": ln, "ls": ls, "mkdir": mkdir, "sleep": sleep,
}

// path resolves a name given to the tool.
func (s streams) path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return joinRaw(s.dir, name)
}

// joinRaw joins without cleaning: a final slash ("link/") makes the kernel follow a symbolic link, and "a/../b" is not
// "b" if a is one.
func joinRaw(dir, name string) string {
	if dir == "" || strings.HasSuffix(dir, "/") {
		return dir + name
	}
	return dir + "/" + name
}

// fail prints an error and returns its status: 1.
func (s streams) fail(tool, object string, err error) int {
	fmt.Fprintf(s.err, "%s: %s: %v\n", tool, object, reason(err))
	return 1
}

// misuse prints a usage error and returns its status: 2.
func (s streams) misuse(tool, text string) int {
	fmt.Fprintf(s.err, "%s: %s\n", tool, text)
	return 2
}

// reason is an error without Go's prefix of operation and path, which the message already has.
func reason(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}

// options reads POSIX options: letters lists those allowed; one followed by ':' takes a value. Options may follow
// operands, as in `ls /models -la`, until "--". Fails on an unknown letter or a missing value.
func options(args []string, letters string) (found map[byte]string, operands []string, err error) {
	found = map[byte]string{}
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		if word == "--" {
			return found, append(operands, args...), nil
		}
		if len(word) < 2 || word[0] != '-' {
			operands = append(operands, word)
			continue
		}
		for i := 1; i < len(word); i++ {
			at := strings.IndexByte(letters, word[i])
			if at < 0 || word[i] == ':' {
				return nil, nil, fmt.Errorf("unknown option %s", word)
			}
			if at+1 >= len(letters) || letters[at+1] != ':' {
				found[word[i]] = ""
				continue
			}
			value := word[i+1:]
			if value == "" {
				if len(args) == 0 {
					return nil, nil, fmt.Errorf("option -%c needs a value", word[i])
				}
				value, args = args[0], args[1:]
			}
			found[word[i]] = value
			break
		}
	}
	return found, operands, nil
}

// has reports whether an option was given.
func has(found map[byte]string, letter byte) bool {
	_, ok := found[letter]
	return ok
}
