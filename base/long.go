package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
	"time"
)

// printLong writes entries as `ls -l` does: mode, links, owner, group, size, time in UTC, name.
func (l *lister) printLong(entries []entry) {
	rows := make([][]string, 0, len(entries))
	widths := make([]int, 5)
	for _, e := range entries {
		row := l.columns(e)
		rows = append(rows, row)
		for i := range widths {
			widths[i] = max(widths[i], len(row[i]))
		}
	}
	for i, row := range rows {
		fmt.Fprintf(l.out, "%s %*s %-*s %-*s %*s %s %s", row[0], widths[1], row[1], widths[2], row[2],
			widths[3], row[3], widths[4], row[4], row[5], l.shown(entries[i].name))
		if entries[i].info.Mode()&fs.ModeSymlink != 0 {
			if target, err := os.Readlink(entries[i].path); err == nil {
				fmt.Fprintf(l.out, " -> %s", l.shown(target))
			}
		}
		fmt.Fprintln(l.out)
	}
}

func (l *lister) columns(e entry) []string {
	stat := e.info.Sys().(*syscall.Stat_t)
	owner, group := strconv.Itoa(int(stat.Uid)), strconv.Itoa(int(stat.Gid))
	if !has(l.options, 'n') {
		if u, err := user.LookupId(owner); err == nil {
			owner = u.Username
		}
		if g, err := user.LookupGroupId(group); err == nil {
			group = g.Name
		}
	}
	size := strconv.FormatInt(e.info.Size(), 10)
	if has(l.options, 'h') {
		size = human(e.info.Size())
	}
	return []string{permissions(stat.Mode), strconv.FormatUint(uint64(stat.Nlink), 10), owner, group, size,
		stamp(e.info.ModTime())}
}

// permissions is the first column: the file type and rwx three times, with s and t where set.
func permissions(mode uint32) string {
	kinds := map[uint32]byte{syscall.S_IFDIR: 'd', syscall.S_IFLNK: 'l', syscall.S_IFCHR: 'c', syscall.S_IFBLK: 'b',
		syscall.S_IFIFO: 'p', syscall.S_IFSOCK: 's'}
	text := []byte("-rwxrwxrwx")
	if kind, ok := kinds[mode&syscall.S_IFMT]; ok {
		text[0] = kind
	}
	for i := range 9 {
		if mode&(0o400>>i) == 0 {
			text[1+i] = '-'
		}
	}
	for at, special := range map[int]struct {
		bit   uint32
		marks string // with and without the x it covers
	}{3: {syscall.S_ISUID, "sS"}, 6: {syscall.S_ISGID, "sS"}, 9: {syscall.S_ISVTX, "tT"}} {
		if mode&special.bit == 0 {
			continue
		}
		mark := special.marks[0]
		if text[at] == '-' {
			mark = special.marks[1]
		}
		text[at] = mark
	}
	return string(text)
}

// stamp is the time column: with the time of day if within half a year, otherwise with the year.
func stamp(t time.Time) string {
	if age := time.Since(t); age < 0 || age > 182*24*time.Hour {
		return t.UTC().Format("Jan _2  2006")
	}
	return t.UTC().Format("Jan _2 15:04")
}

// human formats a size as at most four characters and a unit of 1024: 15M, 1.5G.
func human(size int64) string {
	if size < 1024 {
		return strconv.FormatInt(size, 10)
	}
	value, unit := float64(size), 0
	for value >= 1024 && unit < 6 {
		value /= 1024
		unit++
	}
	digits := 0
	if value < 10 {
		digits = 1
	}
	return strconv.FormatFloat(value, 'f', digits, 64) + " KMGTPE"[unit:unit+1]
}

// blocks is the sum for the "total" line, in KiB.
func blocks(entries []entry) int64 {
	sum := int64(0)
	for _, e := range entries {
		sum += int64(e.info.Sys().(*syscall.Stat_t).Blocks)
	}
	return sum / 2
}
