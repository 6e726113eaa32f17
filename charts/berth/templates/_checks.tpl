{{/* What no schema can see: values that only make sense together. Each refusal names the value. */}}
{{- define "berth.checks" -}}
{{- $root := . -}}
{{- range $part := list "default" "vault" "messages" -}}
{{- $store := fromJson (include "berth.store" (list $root $part)) -}}
{{- $key := ternary "store" (printf "store.%s" $part) (eq $part "default") -}}
{{- if and (eq $store.mode "external") (not $store.external.url) -}}
{{- fail (printf "%s.external.url is not set, and %s.mode is external" $key $key) -}}
{{- end -}}
{{- if eq $store.mode "sentinel" -}}
{{- if not $store.sentinel.addresses -}}
{{- fail (printf "%s.sentinel.addresses is empty, and %s.mode is sentinel" $key $key) -}}
{{- end -}}
{{- if not $store.sentinel.primaryName -}}
{{- fail (printf "%s.sentinel.primaryName is not set, and %s.mode is sentinel" $key $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name := keys (fromYaml (include "berth.roles" nil)) | sortAlpha -}}
{{- with (fromJson (include "berth.service" (list $root $name))).autoscaling -}}
{{- if lt (int .maxReplicas) (int .minReplicas) -}}
{{- fail (printf "autoscaling.maxReplicas of services.%s is less than its minReplicas" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and (not .Values.bootstrap.enabled) (eq .Values.tls.mode "builtin") -}}
{{- fail "tls.mode is builtin, but bootstrap.enabled is false: nobody would make the certificates" -}}
{{- end -}}
{{- end -}}
