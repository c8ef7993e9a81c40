// Render chat templates as Ollama does, with Go's own text/template.
//
//	go build -o render render.go think_tags.go && ./render < cases.json
//
// Messages are collated and variables named as in Ollama's template/template.go: neighbours of one
// role become one message, and all system messages together are .System as well.
package main

import (
	"encoding/json"
	"log"
	"os"
	"strings"
	"text/template"
)

type message struct{ Role, Content, Thinking string }

type question struct {
	Template string
	Messages []*message
	Think    *bool
}

type answer struct {
	Text  string `json:"text"`
	Open  string `json:"open"`
	Close string `json:"close"`
}

func collate(messages []*message) (string, []*message) {
	var system []string
	var collated []*message
	for _, one := range messages {
		if one.Role == "system" {
			system = append(system, one.Content)
		}
		if n := len(collated); n > 0 && collated[n-1].Role == one.Role {
			if one.Content != "" {
				collated[n-1].Content += "\n\n" + one.Content
			}
		} else {
			collated = append(collated, one)
		}
	}
	return strings.Join(system, "\n\n"), collated
}

func render(asked question) answer {
	parsed := template.Must(template.New("").Option("missingkey=zero").Parse(asked.Template))
	system, messages := collate(asked.Messages)
	var text strings.Builder
	err := parsed.Execute(&text, map[string]any{
		"System":     system,
		"Messages":   messages,
		"Response":   "",
		"Think":      asked.Think != nil && *asked.Think,
		"IsThinkSet": asked.Think != nil,
	})
	if err != nil {
		log.Fatal(err)
	}
	open, close := thinkTags(parsed.Root)
	return answer{text.String(), open, close}
}

func main() {
	var asked []question
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		log.Fatal(err)
	}
	answers := []answer{}
	for _, one := range asked {
		answers = append(answers, render(one))
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		log.Fatal(err)
	}
}
