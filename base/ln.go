package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ln makes links: `ln [-s] [-f] [-n] [-T] target name`, or targets and a folder to put them in. -s symbolic, -f
// replaces an existing name unless it is a folder, -n treats a symbolic link to a folder as a link, -T always treats
// the last operand as a name.
func ln(s streams, args []string) int {
	found, names, err := options(args, "sfnT")
	if err == nil && len(names) == 0 {
		err = errors.New("the target is missing")
	}
	if err == nil && has(found, 'T') && len(names) != 2 {
		err = errors.New("-T takes one target and one name")
	}
	if err != nil {
		return s.misuse("ln", err.Error())
	}
	targets, last := names, "."
	if len(names) > 1 {
		targets, last = names[:len(names)-1], names[len(names)-1]
	}
	into := isDirectory(s.path(last), has(found, 'n')) && !has(found, 'T')
	if len(targets) > 1 && !into {
		return s.fail("ln", last, syscall.ENOTDIR)
	}
	status := 0
	for _, target := range targets {
		name := last
		if into {
			name = joinRaw(last, filepath.Base(target))
		}
		if err := link(s, target, name, has(found, 's'), has(found, 'f')); err != nil {
			status = s.fail("ln", name, err)
		}
	}
	return status
}

func link(s streams, target, name string, symbolic, force bool) error {
	path := s.path(name)
	there, err := os.Lstat(path)
	if err == nil && force && !there.IsDir() {
		if !symbolic {
			source, err := os.Lstat(s.path(target))
			if err != nil {
				return err
			}
			if os.SameFile(source, there) { // removing the name could remove the file
				return nil
			}
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if symbolic {
		return os.Symlink(target, path)
	}
	return os.Link(s.path(target), path)
}

func isDirectory(path string, linkItself bool) bool {
	look := os.Stat
	if linkItself {
		look = os.Lstat
	}
	info, err := look(path)
	return err == nil && info.IsDir()
}
