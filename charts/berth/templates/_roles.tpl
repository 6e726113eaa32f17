{{/* What the functions are, as a JSON object: their command, what they keep and how they are reached. */}}
{{- define "berth.roles" -}}
vault: {kind: Deployment, kek: true, store: vault, mounts: [operator]}
ausf: {kind: Deployment, kek: true, store: default}
aanf: {kind: Deployment, kek: true, store: default}
configuration-management: {kind: Deployment, store: default}
subscription-manager: {kind: Deployment, kek: true, store: default, mounts: [portal], ports: [{name: portal, port: 8444, protocol: TCP}, {name: provisioning, port: 5684, protocol: UDP}]}
msgin5g-server: {kind: StatefulSet, store: messages, ports: [{name: msgin5g, port: 5684, protocol: UDP}]}
certificate-fetcher: {kind: Deployment}
{{- end -}}

{{/* Who may call whom by gRPC, one line a callee. A test compares it with the authorization table. */}}
{{- define "berth.callers" -}}
vault: [ausf, subscription-manager, operator]
ausf: [access-gateway, operator]
aanf: [ausf, subscription-manager, msgin5g-server, operator]
configuration-management: [subscription-manager, msgin5g-server, operator]
subscription-manager: [ausf, access-gateway, operator]
msgin5g-server: [operator]
certificate-fetcher: [ausf, operator]
{{- end -}}

{{/* The functions that one calls, as a JSON list: list of caller names. */}}
{{- define "berth.callees" -}}
{{- $callers := . -}}
{{- $callees := list -}}
{{- range $callee, $allowed := fromYaml (include "berth.callers" nil) -}}
{{- range $callers }}{{ if has . $allowed }}{{ $callees = append $callees $callee }}{{ end }}{{ end -}}
{{- end -}}
{{- $callees | uniq | sortAlpha | toJson -}}
{{- end -}}

{{/* What a function is given: `defaults`, and `services.<function>` over them: list of context and function. */}}
{{- define "berth.service" -}}
{{- $root := index . 0 -}}
{{- mergeOverwrite (deepCopy $root.Values.defaults) (deepCopy (default dict (index $root.Values.services (index . 1)))) | toJson -}}
{{- end -}}

{{/* Settings of one of the three stores: list of context and `vault`, `default` or `messages`. */}}
{{- define "berth.store" -}}
{{- $store := (index . 0).Values.store -}}
{{- $part := index . 1 -}}
{{- $common := omit $store "builtin" "vault" "messages" "caSecret" "passwordSecrets" -}}
{{- $own := ternary dict (index $store $part) (eq $part "default") -}}
{{- mergeOverwrite (deepCopy $common) (deepCopy (default dict $own)) | toJson -}}
{{- end -}}

{{/* `true` if any of the three stores is the release's own. */}}
{{- define "berth.builtinStore" -}}
{{- $root := . -}}
{{- $any := false -}}
{{- range list "vault" "default" "messages" -}}
{{- if eq (fromJson (include "berth.store" (list $root .))).mode "builtin" }}{{ $any = true }}{{ end -}}
{{- end -}}
{{- if $any }}true{{ end -}}
{{- end -}}
