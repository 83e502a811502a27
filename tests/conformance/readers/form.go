// What Go's mime/multipart finds in each form of a folder: go run form.go DIR.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"os"
	"path/filepath"
	"strings"
)

type part struct {
	Name     string  `json:"name"`
	Filename *string `json:"filename"`
	Type     *string `json:"type"`
	Length   int64   `json:"length"`
	Sha256   string  `json:"sha256"`
}

func read(body string) ([]part, error) {
	var about struct {
		ContentType string `json:"content_type"`
	}
	text, err := os.ReadFile(strings.TrimSuffix(body, ".body") + ".json")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &about); err != nil {
		return nil, err
	}
	_, parameters, err := mime.ParseMediaType(about.ContentType)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(body)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	reader := multipart.NewReader(file, parameters["boundary"])
	parts := []part{}
	for {
		next, err := reader.NextPart()
		if err == io.EOF {
			return parts, nil
		}
		if err != nil {
			return parts, err
		}
		hash := sha256.New()
		length, err := io.Copy(hash, next)
		if err != nil {
			return parts, err
		}
		found := part{Name: next.FormName(), Length: length, Sha256: hex.EncodeToString(hash.Sum(nil))}
		if name := next.FileName(); name != "" {
			kind := next.Header.Get("Content-Type")
			found.Filename, found.Type = &name, &kind
		}
		parts = append(parts, found)
	}
}

func main() {
	bodies, _ := filepath.Glob(filepath.Join(os.Args[1], "*.body"))
	for _, body := range bodies {
		parts, err := read(body)
		var words *string
		if err != nil {
			text := err.Error()
			words = &text
		}
		line, _ := json.Marshal(map[string]any{
			"form": strings.TrimSuffix(filepath.Base(body), ".body"), "parts": parts, "error": words,
		})
		fmt.Println(string(line))
	}
}
