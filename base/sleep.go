package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// sleep waits for the sum of its operands: seconds with an optional fraction and suffix s, m, h or d, or "infinity".
func sleep(s streams, args []string) int {
	_, operands, err := options(args, "")
	if err == nil && len(operands) == 0 {
		err = fmt.Errorf("how long is missing")
	}
	total := 0.0
	for _, operand := range operands {
		seconds, wrong := parseSeconds(operand)
		if wrong != nil && err == nil {
			err = wrong
		}
		total += seconds
	}
	if err != nil {
		return s.misuse("sleep", err.Error())
	}
	// 292 years serve as infinity: the runtime never takes a timer for a deadlock, unlike a wait on nothing.
	duration := time.Duration(math.MaxInt64)
	if nanoseconds := total * float64(time.Second); nanoseconds < math.MaxInt64 {
		duration = time.Duration(nanoseconds)
	}
	select {
	case <-time.After(duration):
		return 0
	case <-s.done:
		return 130
	}
}

func parseSeconds(text string) (float64, error) {
	if text == "infinity" || text == "inf" {
		return math.Inf(1), nil
	}
	number, scale := text, 1.0
	if at := len(text) - 1; at > 0 {
		if unit := strings.IndexByte("smhd", text[at]); unit >= 0 {
			number, scale = text[:at], []float64{1, 60, 3600, 86400}[unit]
		}
	}
	if strings.Trim(number, "0123456789.") == "" {
		if seconds, err := strconv.ParseFloat(number, 64); err == nil {
			return seconds * scale, nil
		}
	}
	return 0, fmt.Errorf("%s: not a length of time", text)
}
