package main

import (
	"strings"
	"text/template/parse"
)

// thinkTags finds the tags around a thought as Ollama's thinking/template.go does: the texts that
// begin and end the nearest list around `.Thinking` inside `range .Messages`.
func thinkTags(root *parse.ListNode) (open, close string) {
	search(root, nil, false, &open, &close)
	return open, close
}

func search(node parse.Node, list *parse.ListNode, inside bool, open, close *string) {
	branch := func(part *parse.BranchNode, inside bool) {
		search(part.Pipe, list, inside, open, close)
		search(part.List, list, inside, open, close)
		if part.ElseList != nil {
			search(part.ElseList, list, inside, open, close)
		}
	}
	switch part := node.(type) {
	case *parse.ListNode:
		for _, one := range part.Nodes {
			search(one, part, inside, open, close)
		}
	case *parse.ActionNode:
		search(part.Pipe, list, inside, open, close)
	case *parse.PipeNode:
		for _, command := range part.Cmds {
			for _, one := range command.Args {
				search(one, list, inside, open, close)
			}
		}
	case *parse.IfNode:
		branch(&part.BranchNode, inside)
	case *parse.RangeNode:
		branch(&part.BranchNode, inside || strings.Contains(part.Pipe.String(), ".Messages"))
	case *parse.FieldNode:
		if inside && part.Ident[0] == "Thinking" {
			*open, *close = tag(list.Nodes[0], *open), tag(list.Nodes[len(list.Nodes)-1], *close)
		}
	}
}

func tag(node parse.Node, otherwise string) string {
	if text, ok := node.(*parse.TextNode); ok {
		return strings.TrimSpace(string(text.Text))
	}
	return otherwise
}
