// Lists tars with Go's archive/tar, which container engines read layers with. Reads one base64 tar per line from stdin;
// writes one JSON object per line to stdout: the members up to the end, or to the error.
package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// Names are bytes, which JSON cannot represent: encoding/json writes them in base64.
type member struct {
	Name, Link []byte
	Type       string
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		text, err := base64.StdEncoding.DecodeString(lines.Text())
		if err != nil {
			panic(err)
		}
		members, err := list(text)
		answer, _ := json.Marshal(map[string]any{"members": members, "error": fmt.Sprint(err)})
		fmt.Fprintln(out, string(answer))
	}
}

func list(text []byte) ([]member, error) {
	members := []member{}
	reader := tar.NewReader(bytes.NewReader(text))
	for {
		header, err := reader.Next()
		if err == io.EOF {
			return members, nil
		}
		if err != nil {
			return members, err
		}
		if header.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		members = append(members, member{[]byte(header.Name), []byte(header.Linkname), string(header.Typeflag)})
		if _, err := io.Copy(io.Discard, reader); err != nil {
			return members, err
		}
	}
}
