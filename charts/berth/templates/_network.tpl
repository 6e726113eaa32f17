{{/* Which pods may reach which: the only place that says so. */}}

{{/*
  Components that call a function by gRPC, as a JSON list: list of context and function. The test is an operator and an
  access gateway; so is the laboratory, but as an operator it has no business with every function.
*/}}
{{- define "berth.callingComponents" -}}
{{- $root := index . 0 -}}
{{- $callee := index . 1 -}}
{{- $components := list -}}
{{- range $caller := index (fromYaml (include "berth.callers" nil)) $callee -}}
{{- if has $caller (list "operator" "access-gateway") -}}
{{- if $root.Values.tests.enabled }}{{ $components = append $components "test" }}{{ end -}}
{{- $lab := has $callee (list "ausf" "aanf" "subscription-manager" "vault") -}}
{{- if and $root.Values.lab.enabled $lab }}{{ $components = append $components "lab" }}{{ end -}}
{{- else -}}
{{- $components = append $components $caller -}}
{{- end -}}
{{- end -}}
{{- $components | uniq | sortAlpha | toJson -}}
{{- end -}}

{{/* Ports at which devices reach a component, whoever they are. */}}
{{- define "berth.devicePorts" -}}
subscription-manager: [{port: 8444, protocol: TCP}, {port: 5684, protocol: UDP}]
msgin5g-server: [{port: 5684, protocol: UDP}]
{{- end -}}

{{/* `true` where the cluster speaks IPv6; some network plugins refuse its networks elsewhere. */}}
{{- define "berth.ipv6" -}}
{{- if hasPrefix "[" .Values.bindAddress }}true{{ end -}}
{{- end -}}

{{/* One peer of a rule: list of context and component. */}}
{{- define "berth.networkPeer" -}}
- podSelector:
    matchLabels:
      {{- include "berth.selector" . | nindent 6 }}
{{- end -}}

{{/* Ports of a rule, all TCP. */}}
{{- define "berth.tcpPorts" -}}
{{- range . }}
- {port: {{ int . }}, protocol: TCP}
{{- end }}
{{- end -}}

{{/* Port of an address `[scheme://]host:port[/…]`, or the second argument. */}}
{{- define "berth.portOf" -}}
{{- $authority := regexReplaceAll "^[a-z+]+://" (index . 0) "" | splitList "/" | first -}}
{{- $port := regexFind ":[0-9]+$" $authority | trimPrefix ":" -}}
{{- default (index . 1) $port -}}
{{- end -}}

{{/* Egress to where names are resolved. */}}
{{- define "berth.dnsEgress" -}}
{{- $dns := .Values.networkPolicy.dns -}}
- ports:
    {{- range $dns.ports }}
    - {port: {{ int . }}, protocol: UDP}
    - {port: {{ int . }}, protocol: TCP}
    {{- end }}
  {{- with $dns.to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* Egress to what lies outside of the release: an external store, and the receiver of traces. */}}
{{- define "berth.outerEgress" -}}
{{- $root := index . 0 -}}
{{- $role := default dict (index (fromYaml (include "berth.roles" nil)) (index . 1)) -}}
{{- with $role.store -}}
{{- $store := fromJson (include "berth.store" (list $root .)) -}}
{{- if eq $store.mode "builtin" }}
- to:
    {{- include "berth.networkPeer" (list $root "store") | nindent 4 }}
  ports: [{port: 6379, protocol: TCP}]
{{- else }}
{{- $ports := $root.Values.networkPolicy.store.ports -}}
{{- range ternary (list $store.external.url) $store.sentinel.addresses (eq $store.mode "external") -}}
{{- $ports = append $ports (include "berth.portOf" (list . "6379")) -}}
{{- end }}
- ports:
    {{- $numbers := list -}}
    {{- range $ports }}{{ $numbers = append $numbers (int .) }}{{ end -}}
    {{- include "berth.tcpPorts" (uniq $numbers) | trim | nindent 4 }}
  {{- with $root.Values.networkPolicy.store.to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
{{- with (default dict (default dict $root.Values.config).telemetry).otlp_endpoint }}
- ports:
    {{- include "berth.tcpPorts" (list (include "berth.portOf" (list . (ternary "443" "80" (hasPrefix "https:" .))))) | trim | nindent 4 }}
  {{- with $root.Values.networkPolicy.otlp.to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end -}}
