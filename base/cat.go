package main

import (
	"io"
	"os"
)

// cat copies files, or standard input for "-" or no operand, to standard output. -u is ignored: it never buffers.
func cat(s streams, args []string) int {
	_, names, err := options(args, "u")
	if err != nil {
		return s.misuse("cat", err.Error())
	}
	if len(names) == 0 {
		names = []string{"-"}
	}
	status := 0
	for _, name := range names {
		if err := copyOut(s, name); err != nil {
			status = s.fail("cat", name, err)
		}
	}
	return status
}

func copyOut(s streams, name string) error {
	if name == "-" {
		if s.in == nil {
			return nil
		}
		_, err := io.Copy(s.out, s.in)
		return err
	}
	file, err := os.Open(s.path(name))
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(s.out, file)
	return err
}
