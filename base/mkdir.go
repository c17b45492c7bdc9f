package main

import (
	"errors"
	"os"
	"strconv"
	"syscall"
)

// mkdir creates folders: -p also creates their parents and accepts an existing folder, -m takes an octal mode and
// ignores the umask.
func mkdir(s streams, args []string) int {
	found, names, err := options(args, "pm:")
	if err == nil && len(names) == 0 {
		err = errors.New("the folder's name is missing")
	}
	mode, set := uint64(0o777), has(found, 'm')
	if err == nil && set {
		if mode, err = strconv.ParseUint(found['m'], 8, 12); err != nil {
			err = errors.New("-m " + found['m'] + ": not an octal mode")
		}
	}
	if err != nil {
		return s.misuse("mkdir", err.Error())
	}
	status := 0
	for _, name := range names {
		if err := makeDirectory(s.path(name), has(found, 'p'), uint32(mode), set); err != nil {
			status = s.fail("mkdir", name, err)
		}
	}
	return status
}

func makeDirectory(path string, parents bool, mode uint32, set bool) error {
	if parents {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return nil
		}
		if err := os.MkdirAll(path, 0o777); err != nil {
			return err
		}
	} else if err := syscall.Mkdir(path, mode); err != nil {
		return err
	}
	if set {
		return syscall.Chmod(path, mode)
	}
	return nil
}
