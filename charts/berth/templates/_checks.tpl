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
{{- include "berth.checkShutdown" $root -}}
{{- range $name := keys (fromYaml (include "berth.roles" nil)) | sortAlpha -}}
{{- with (fromJson (include "berth.service" (list $root $name))).autoscaling -}}
{{- if lt (int .maxReplicas) (int .minReplicas) -}}
{{- fail (printf "autoscaling.maxReplicas of services.%s is less than its minReplicas" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name, $role := fromYaml (include "berth.roles" nil) -}}
{{- if and $role.store (index (default dict $root.Values.store.passwordSecrets) $name) -}}
{{- if eq (fromJson (include "berth.store" (list $root $role.store))).mode "builtin" -}}
{{- fail (printf "store.passwordSecrets.%s is set, but the store of %s is builtin: its users come from the bootstrap hook alone" $name $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if not .Values.bootstrap.enabled }}{{ include "berth.checkGiven" . }}{{ end -}}
{{- end -}}

{{/* Without the hook every Secret is given: a pod would wait for one that nobody makes. */}}
{{- define "berth.checkGiven" -}}
{{- $root := . -}}
{{- $missing := list -}}
{{- if eq .Values.tls.mode "builtin" }}{{ $missing = append $missing "another tls.mode than builtin" }}{{ end -}}
{{- if include "berth.builtinStore" . }}{{ $missing = append $missing "another store.mode than builtin" }}{{ end -}}
{{- if not .Values.keys.operatorKeysSecret }}{{ $missing = append $missing "keys.operatorKeysSecret" }}{{ end -}}
{{- range $name, $role := fromYaml (include "berth.roles" nil) -}}
{{- if and $role.kek (not (index (default dict $root.Values.keys.keyEncryptionKeySecrets) $name)) -}}
{{- $missing = append $missing (printf "keys.keyEncryptionKeySecrets.%s" $name) -}}
{{- end -}}
{{- if and $role.store (not (index (default dict $root.Values.store.passwordSecrets) $name)) -}}
{{- $missing = append $missing (printf "store.passwordSecrets.%s" $name) -}}
{{- end -}}
{{- end -}}
{{- with $missing -}}
{{- fail (printf "bootstrap.enabled is false, so that nobody makes what is missing: set %s" (join ", " .)) -}}
{{- end -}}
{{- end -}}

{{/* A function that is killed while it drains breaks calls that it had taken. */}}
{{- define "berth.checkShutdown" -}}
{{- $shutdown := default dict (default dict .Values.config).shutdown -}}
{{- $drain := add (include "berth.seconds" (default "3s" $shutdown.settle)) (include "berth.seconds" (default "20s" $shutdown.grace)) -}}
{{- range $name := keys (fromYaml (include "berth.roles" nil)) | sortAlpha -}}
{{- $given := int (fromJson (include "berth.service" (list $ $name))).terminationGracePeriodSeconds -}}
{{- if le $given (int $drain) -}}
{{- fail (printf "terminationGracePeriodSeconds of services.%s is %d, but config.shutdown.settle and grace take %d seconds" $name $given $drain) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Whole seconds of a duration as the settings write it (`1m 30s`), rounded up. */}}
{{- define "berth.seconds" -}}
{{- $seconds := 0.0 -}}
{{- range regexFindAll "[0-9]+ *[A-Za-z]+" . -1 -}}
{{- $number := regexFind "^[0-9]+" . -}}
{{- $unit := regexFind "[A-Za-z]+$" . -}}
{{- $length := 86400 -}}
{{- if regexMatch "^s" $unit }}{{ $length = 1 }}
{{- else if regexMatch "^(m|mins?|minutes?)$" $unit }}{{ $length = 60 }}
{{- else if regexMatch "^h" $unit }}{{ $length = 3600 }}
{{- else if regexMatch "^(ms|mill)" $unit }}{{ $length = 0.001 }}
{{- else if regexMatch "^[nu]" $unit }}{{ $length = 0 }}
{{- end -}}
{{- $seconds = addf $seconds (mulf $number $length) -}}
{{- end -}}
{{- ceil $seconds -}}
{{- end -}}
