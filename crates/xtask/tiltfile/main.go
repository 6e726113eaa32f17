// Evaluates a Tiltfile by the library that Tilt itself uses, with Tilt's functions replaced by ones
// that only note how they were called. Arguments: file, name of the Kubernetes context, settings as JSON.
// Prints the calls as a JSON list; a refusal of the file ends with exit code 1 and its message.
package main

import (
	"fmt"
	"os"

	"go.starlark.net/lib/json"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"
)

// Functions of Tilt whose result the file only hands on.
var noted = []string{
	"allow_k8s_contexts", "custom_build", "helm", "k8s_resource", "k8s_yaml", "link", "local_resource",
	"port_forward",
}

func main() {
	file, context, settings := os.Args[1], os.Args[2], os.Args[3]
	var calls []starlark.Value
	note := func(name string) *starlark.Builtin {
		return starlark.NewBuiltin(name, func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, named []starlark.Tuple) (starlark.Value, error) {
			call := starlark.NewDict(3)
			keywords := starlark.NewDict(len(named))
			for _, pair := range named {
				keywords.SetKey(pair[0], pair[1])
			}
			call.SetKey(starlark.String("name"), starlark.String(name))
			call.SetKey(starlark.String("args"), args)
			call.SetKey(starlark.String("named"), keywords)
			calls = append(calls, call)
			return call, nil
		})
	}
	answer := func(name string, value starlark.Value) *starlark.Builtin {
		return starlark.NewBuiltin(name, func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
			return value, nil
		})
	}
	thread := &starlark.Thread{Name: file}
	given, err := starlark.Call(thread, json.Module.Members["decode"], starlark.Tuple{starlark.String(settings)}, nil)
	check(err)
	names := starlark.StringDict{
		"k8s_context":   answer("k8s_context", starlark.String(context)),
		"k8s_namespace": answer("k8s_namespace", starlark.String("default")),
		"config": starlarkstruct.FromStringDict(starlark.String("config"), starlark.StringDict{
			"define_bool":   answer("define_bool", starlark.None),
			"define_string": answer("define_string", starlark.None),
			"parse":         answer("parse", given),
		}),
	}
	for _, name := range noted {
		names[name] = note(name)
	}
	// Loops and conditions at the top are what Tilt allows.
	options := &syntax.FileOptions{TopLevelControl: true, GlobalReassign: true}
	_, err = starlark.ExecFileOptions(options, thread, file, nil, names)
	check(err)
	text, err := starlark.Call(thread, json.Module.Members["encode"], starlark.Tuple{starlark.NewList(calls)}, nil)
	check(err)
	fmt.Println(string(text.(starlark.String)))
}

func check(err error) {
	if err == nil {
		return
	}
	if failed, ok := err.(*starlark.EvalError); ok {
		fmt.Fprintln(os.Stderr, failed.Backtrace())
	} else {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(1)
}
