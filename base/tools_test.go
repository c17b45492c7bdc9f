package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// call runs a tool in dir and returns its status, standard output and standard error.
func call(t *testing.T, dir, tool, input string, args ...string) (int, string, string) {
	t.Helper()
	var out, err bytes.Buffer
	s := streams{in: strings.NewReader(input), out: &out, err: &err, dir: dir}
	status := tools[tool](s, args)
	return status, out.String(), err.String()
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, what string, got, want any) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %#v, want %#v", what, got, want)
	}
}

func TestMisuseIsStatus2(t *testing.T) {
	for _, line := range []string{"ls -Z", "ln -q a b", "ln", "ln -T a", "mkdir", "mkdir -m", "mkdir -m u=rwx d", "cat -n",
		"sleep", "sleep soon", "sleep 1x", "sleep -- -1", "sleep 0x1p3", "sleep nan", "sleep 1 soon"} {
		words := strings.Fields(line)
		status, out, err := call(t, t.TempDir(), words[0], "", words[1:]...)
		expect(t, line, status, 2)
		expect(t, line+" output", out, "")
		if !strings.HasPrefix(err, words[0]+": ") {
			t.Errorf("%s: error %q does not name the tool", line, err)
		}
	}
}

func TestLs(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/m/b.bin", "12345")
	write(t, dir+"/m/a.txt", "")
	write(t, dir+"/m/.hidden", "")
	write(t, dir+"/m/sub/deep", "")
	os.Symlink("m", dir+"/link")
	os.Symlink("gone", dir+"/broken")
	for line, want := range map[string]string{
		"m":            "a.txt\nb.bin\nsub\n",
		"-A m":         ".hidden\na.txt\nb.bin\nsub\n",
		"m -1a":        ".\n..\n.hidden\na.txt\nb.bin\nsub\n",
		"-d m":         "m\n",
		"link":         "a.txt\nb.bin\nsub\n",
		"-d link":      "link\n",
		"broken":       "broken\n",
		"m/b.bin m":    "m/b.bin\n\nm:\na.txt\nb.bin\nsub\n",
		"-R m":         "m:\na.txt\nb.bin\nsub\n\nm/sub:\ndeep\n",
		"-- m/sub":     "deep\n",
		"m/sub/../sub": "deep\n",
	} {
		status, out, err := call(t, dir, "ls", "", strings.Fields(line)...)
		expect(t, "ls "+line, out, want)
		expect(t, "ls "+line+" status", status, 0)
		expect(t, "ls "+line+" error", err, "")
	}
	status, out, err := call(t, dir, "ls", "", "absent", "m/sub")
	expect(t, "absent operand", status, 2)
	expect(t, "the other operand", out, "m/sub:\ndeep\n")
	expect(t, "error", err, "ls: absent: no such file or directory\n")
}

func TestLsLong(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/model.bin", strings.Repeat("x", 1536))
	os.Symlink("/elsewhere", dir+"/z")
	os.Chmod(dir+"/model.bin", 0o4444)
	os.Mkdir(dir+"/tmp", 0o700)
	os.Chmod(dir+"/tmp", 0o777|os.ModeSticky)
	old := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	os.Chtimes(dir+"/model.bin", old, old)
	_, out, _ := call(t, dir, "ls", "", "-ln")
	lines := strings.Split(out, "\n")
	if !strings.HasPrefix(lines[0], "total ") {
		t.Errorf("no total: %q", lines[0])
	}
	columns := strings.Fields(lines[1])
	expect(t, "mode", columns[0], "-r--r--r--") // Go's Chmod does not treat 0o4000 as the set-uid bit
	expect(t, "size", columns[4], "1536")
	expect(t, "time and name", strings.Join(columns[5:], " "), "Feb 3 2001 model.bin")
	expect(t, "folder", strings.Fields(lines[2])[0], "drwxrwxrwt")
	if !strings.HasPrefix(lines[3], "l") || !strings.HasSuffix(lines[3], " z -> /elsewhere") {
		t.Errorf("link: %q", lines[3])
	}
	_, out, _ = call(t, dir, "ls", "", "-lh", "model.bin")
	if !strings.Contains(out, " 1.5K ") {
		t.Errorf("-h: %q", out)
	}
	expect(t, "set-uid without x", permissions(0o104644), "-rwSr--r--")
	expect(t, "set-gid with x", permissions(0o102755), "-rwxr-sr-x")
	expect(t, "exbibytes", human(1<<62), "4.0E")
}

func TestLsHidesControlCharactersOnATerminalOnly(t *testing.T) {
	expect(t, "terminal", (&lister{hide: true}).shown("a\x1b[31m\u0085é"), "a?[31m?é")
	expect(t, "pipe", (&lister{}).shown("a\x1b"), "a\x1b")
}

func TestLn(t *testing.T) {
	dir := t.TempDir()
	os.MkdirAll(dir+"/folder", 0o755)
	write(t, dir+"/file", "x")
	points := func(what, name, want string) {
		t.Helper()
		got, err := os.Readlink(dir + "/" + name)
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		expect(t, what, got, want)
	}
	ok := func(line string, want int) {
		t.Helper()
		status, _, err := call(t, dir, "ln", "", strings.Fields(line)...)
		if status != want {
			t.Errorf("ln %s: status %d, want %d: %s", line, status, want, err)
		}
	}
	ok("-s /proc/1/root/models models", 0)
	points("plain", "models", "/proc/1/root/models")
	ok("-s other models", 1) // exists already
	points("kept", "models", "/proc/1/root/models")
	ok("-sf folder models", 0)
	points("replaced", "models", "folder")
	ok("-sf target models", 0) // a link to a folder is the folder …
	points("inside", "folder/target", "target")
	ok("-sfn target models", 0) // … except with -n
	points("not followed", "models", "target")
	ok("-sfT file folder", 1) // never replaces a folder
	ok("-s a b folder", 0)
	points("many", "folder/b", "b")
	ok("-s a b file", 1)
	ok("file hard", 0)
	ok("file hard", 1)
	ok("-f file hard", 0) // the same file already
	ok("-f absent hard", 1)
	if text, err := os.ReadFile(dir + "/hard"); err != nil || string(text) != "x" {
		t.Errorf("a failed ln -f took the file away: %v", err)
	}
}

func TestMkdir(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/file", "")
	for _, step := range []struct {
		line string
		want int
	}{{"a", 0}, {"a", 1}, {"-p a", 0}, {"b/c", 1}, {"-p b/c/d", 0}, {"-m 0700 private", 0}, {"-p -m 1777 b/t", 0},
		{"-p file", 1}, {"-p file/x", 1}, {"x a y", 1}, {"-pm750 z/z", 0}} {
		status, _, err := call(t, dir, "mkdir", "", strings.Fields(step.line)...)
		if status != step.want {
			t.Errorf("mkdir %s: status %d, want %d: %s", step.line, status, step.want, err)
		}
	}
	for name, want := range map[string]os.FileMode{"private": 0o700, "b/t": 0o777 | os.ModeSticky, "z/z": 0o750} {
		info, err := os.Stat(dir + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, name, info.Mode()&^os.ModeDir, want)
	}
	if _, err := os.Stat(dir + "/y"); err != nil {
		t.Errorf("an error stopped the operands after it: %v", err)
	}
}

func TestCat(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/a", "A\n")
	write(t, dir+"/b", "B")
	_, out, _ := call(t, dir, "cat", "in", "a", "-", "b")
	expect(t, "files and stdin", out, "A\ninB")
	_, out, _ = call(t, dir, "cat", "in")
	expect(t, "stdin", out, "in")
	status, out, err := call(t, dir, "cat", "", "absent", "b", ".")
	expect(t, "after an error", out, "B")
	expect(t, "status", status, 1)
	expect(t, "errors", err, "cat: absent: no such file or directory\ncat: .: is a directory\n")
}

func TestSleep(t *testing.T) {
	for text, want := range map[string]float64{"1": 1, "1.5": 1.5, ".5s": 0.5, "2m": 120, "1h": 3600, "0.5d": 43200} {
		got, err := parseSeconds(text)
		if err != nil {
			t.Error(err)
		}
		expect(t, text, got, want)
	}
	start := time.Now()
	status, _, _ := call(t, "", "sleep", "", "0.05", "0.05s")
	expect(t, "status", status, 0)
	if took := time.Since(start); took < 100*time.Millisecond || took > 5*time.Second {
		t.Errorf("0.1 s took %v", took)
	}
	done := make(chan struct{})
	time.AfterFunc(50*time.Millisecond, func() { close(done) })
	expect(t, "cancelled", sleep(streams{err: os.Stderr, done: done}, []string{"infinity"}), 130)
}
