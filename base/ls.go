package main

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"
)

// lister is one run of ls.
type lister struct {
	streams
	options map[byte]string
	out     *bufio.Writer
	// hide turns control characters into '?', because a file name must not control the user's terminal.
	hide   bool
	status int
}

// entry is a name to print and the file's metadata.
type entry struct {
	name string
	path string
	info fs.FileInfo
}

// ls lists folders and files, one per line, in byte order. -a all, -A all but . and .., -d the folder itself, -l long,
// -h sizes in K, M, G, -n numeric owners, -L follows links, -R into subfolders, -1 (always on). Status 1: something
// inside a folder could not be read; 2: an operand could not be read, or wrong usage.
func ls(s streams, args []string) int {
	found, names, err := options(args, "aAdhlnLR1")
	if err != nil {
		return s.misuse("ls", err.Error())
	}
	if has(found, 'n') {
		found['l'] = ""
	}
	if len(names) == 0 {
		names = []string{"."}
	}
	l := lister{streams: s, options: found, out: bufio.NewWriter(s.out)}
	if file, ok := s.out.(*os.File); ok {
		l.hide = term.IsTerminal(int(file.Fd()))
	}
	var files, folders []entry
	for _, name := range names {
		e, err := l.look(name, s.path(name), true)
		if err != nil {
			s.fail("ls", name, err)
			l.status = 2
		} else if e.info.IsDir() && !has(found, 'd') {
			folders = append(folders, e)
		} else {
			files = append(files, e)
		}
	}
	l.print(files)
	titled := len(names) > 1 || has(found, 'R')
	for i, folder := range folders {
		if i > 0 || len(files) > 0 {
			fmt.Fprintln(l.out)
		}
		l.list(folder, titled, 2)
	}
	if err := l.out.Flush(); err != nil {
		return s.fail("ls", "write", err)
	}
	return l.status
}

// look stats a name. An operand that links to a folder is followed, except with -l or -d; a broken link is itself.
func (l *lister) look(name, path string, operand bool) (entry, error) {
	if has(l.options, 'L') || (operand && !has(l.options, 'l') && !has(l.options, 'd')) {
		if info, err := os.Stat(path); err == nil {
			return entry{name, path, info}, nil
		}
	}
	info, err := os.Lstat(path)
	return entry{name, path, info}, err
}

// list prints a folder's content, and with -R its subfolders'. The caller chooses the status on failure.
func (l *lister) list(folder entry, titled bool, failure int) {
	read, err := os.ReadDir(folder.path)
	if err != nil {
		l.fail("ls", folder.name, err)
		l.status = max(l.status, failure)
		return
	}
	names := make([]string, 0, len(read)+2)
	if has(l.options, 'a') {
		names = append(names, ".", "..")
	}
	for _, e := range read {
		if !strings.HasPrefix(e.Name(), ".") || has(l.options, 'a') || has(l.options, 'A') {
			names = append(names, e.Name())
		}
	}
	var entries, folders []entry
	for _, name := range names {
		e, err := l.look(name, joinRaw(folder.path, name), false)
		if err != nil {
			l.fail("ls", joinRaw(folder.name, name), err)
			l.status = max(l.status, 1)
			continue
		}
		entries = append(entries, e)
		// Real folders only: with -L a link could lead round in circles.
		if plain, err := os.Lstat(e.path); err == nil && plain.IsDir() && name != "." && name != ".." {
			folders = append(folders, entry{filepath.Join(folder.name, name), e.path, plain})
		}
	}
	if titled {
		fmt.Fprintf(l.out, "%s:\n", l.shown(folder.name))
	}
	if has(l.options, 'l') {
		fmt.Fprintf(l.out, "total %d\n", blocks(entries))
	}
	l.print(entries)
	if has(l.options, 'R') {
		for _, sub := range folders {
			fmt.Fprintln(l.out)
			l.list(sub, true, 1)
		}
	}
}

// print writes entries, in columns when long.
func (l *lister) print(entries []entry) {
	if has(l.options, 'l') {
		l.printLong(entries)
		return
	}
	for _, e := range entries {
		fmt.Fprintln(l.out, l.shown(e.name))
	}
}

func (l *lister) shown(name string) string {
	if !l.hide {
		return name
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || (r >= 0x7f && r < 0xa0) {
			return '?'
		}
		return r
	}, name)
}
