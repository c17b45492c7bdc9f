package main

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary act as the program itself, called by the name in BASE_AS.
func TestMain(m *testing.M) {
	if name, ok := os.LookupEnv("BASE_AS"); ok {
		os.Args[0] = name
		main()
	}
	os.Exit(m.Run())
}

// process prepares a run of the program as name, with no PATH and nothing else in the environment.
func process(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = []string{"BASE_AS=" + name}
	cmd.Dir = t.TempDir()
	return cmd
}

// outcome is the standard output and exit status of a run.
func outcome(t *testing.T, cmd *exec.Cmd) (string, int) {
	t.Helper()
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(out), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(out), 0
}

// Expected values: POSIX.1-2024, Shell Command Language, and dash.
func TestShell(t *testing.T) {
	for _, c := range []struct {
		script, out string
		status      int
	}{
		{"true && echo yes || echo no", "yes\n", 0},
		{"false && echo yes || (echo no && exit 1)", "no\n", 1},
		{"(exit 3); echo $?", "3\n", 0},
		{"exit 4", "", 4},
		{"absent", "", 127},
		{"if true; then", "", 2},
		{"echo one; if true; then", "", 2},
		{`echo "$(echo a; echo b)" 'c  d' e\ f`, "a\nb c  d e f\n", 0},
		{"echo `echo back` $((2 + 3))", "back 5\n", 0},
		{"echo a > f; echo b >> f; cat < f; cat absent 2> /dev/null || echo $?", "a\nb\n1\n", 0},
		{"echo piped | cat | cat", "piped\n", 0},
		{"cat <<E\n$((1+1))\nE", "2\n", 0},
		{"mkdir d && cd d && mkdir -p x/y && ls && cd .. && ls", "x\nd\n", 0},
		{"mkdir d; echo x > d/f; cd d; cat f; cat ../d/f; ls ..; ln -s f l; cat l", "x\nx\nd\nx\n", 0},
		{"for i in 1 2; do echo $i; done; while false; do :; done", "1\n2\n", 0},
		{"case a.bin in *.bin) echo model;; *) echo other;; esac", "model\n", 0},
		{"f() { local x=1; echo $x $1; return 5; }; f y; echo $?", "1 y\n5\n", 0},
		{"export A=b; echo $A ${C:-d} ${A%b}e", "b d e\n", 0},
		{"set -e; false; echo unreached", "", 1},
		{"trap 'echo bye' EXIT; exit 7", "bye\n", 7},
		{"sleep 0.05 & wait; echo waited", "waited\n", 0},
		{"exec echo gone; echo unreached", "gone\n", 0},
		{"sleep soon", "", 2},
		{"ls /absent", "", 2},
		{`touch=1; [ -n "$touch" ] && [ 2 -gt 1 ] && [ a = a ] && [ ! -e f ] && test -d . && echo t`, "t\n", 0},
		{`[ "$(ls -A .)" ] || echo empty`, "empty\n", 0},
		{`echo x > -d; [ "$(ls -A .)" ] && echo one`, "one\n", 0},
		{"echo $0 $1 $#", "sh 0\n", 0},
	} {
		out, status := outcome(t, process(t, "sh", "-c", c.script))
		expect(t, c.script, out, c.out)
		expect(t, c.script+" status", status, c.status)
	}
}

func TestShellCall(t *testing.T) {
	out, _ := outcome(t, process(t, "sh", "-ec", "echo $0 $1 $#; false; echo no", "name", "one", "two"))
	expect(t, "-ec", out, "name one 2\n")
	cmd := process(t, "-sh", "-s", "one")
	cmd.Stdin = strings.NewReader("echo $1\nexit 6\n")
	out, status := outcome(t, cmd)
	expect(t, "stdin", out, "one\n")
	expect(t, "stdin status", status, 6)
	cmd = process(t, "sh", "./script", "one")
	os.WriteFile(cmd.Dir+"/script", []byte("echo $0 $1"), 0o644)
	out, _ = outcome(t, cmd)
	expect(t, "file", out, "./script one\n")
	_, status = outcome(t, process(t, "sh", "absent"))
	expect(t, "absent file", status, 127)
	for _, args := range [][]string{{"-c"}, {"-Z"}, {"--version"}} {
		_, status = outcome(t, process(t, "sh", args...))
		expect(t, strings.Join(args, " "), status, 2)
	}
}

func TestCalledByName(t *testing.T) {
	for line, want := range map[string]string{
		"echo $HOME 'a' b":   "$HOME 'a' b\n",
		"printf %s-%s a b":   "a-b",
		"/bin/ls -d .":       ".\n",
		"/bin/test a = a":    "",
		"[ -d . ]":           "",
		"true":               "",
		"cat /proc/self/fd/": "",
	} {
		words := strings.Fields(line)
		out, status := outcome(t, process(t, words[0], words[1:]...))
		expect(t, line, out, want)
		expect(t, line+" status", status, map[bool]int{true: 1}[words[0] == "cat"])
	}
	_, status := outcome(t, process(t, "test", "a", "=", "b"))
	expect(t, "test a = b", status, 1)
	_, status = outcome(t, process(t, "false"))
	expect(t, "false", status, 1)
}

func TestProcessIDIsTheShells(t *testing.T) {
	cmd := process(t, "sh", "-c", "echo $$; (echo $$); echo $(echo $$)")
	out, _ := outcome(t, cmd)
	for _, line := range strings.Fields(out) {
		expect(t, "$$", line, strconv.Itoa(cmd.Process.Pid))
	}
	expect(t, "lines", len(strings.Fields(out)), 3)
}

func TestSignalsEndTheShellAtOnce(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		cmd := process(t, "sh", "-c", "echo ready && sleep infinity")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		out.Read(make([]byte, 6))
		start := time.Now()
		cmd.Process.Signal(signal)
		cmd.Wait()
		expect(t, signal.String(), cmd.ProcessState.ExitCode(), 128+int(signal))
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%v took %v", signal, took)
		}
	}
}
