{{/* What the bootstrap hook has to see to: its spec as TOML, from one list of Secrets. */}}

{{/*
  The Secrets as a JSON list of tables. Where they are given or come from cert-manager they are left out. The inventory is
  always there, and knows of given keys too: a value that is forgotten at an upgrade must not draw another key.
*/}}
{{- define "berth.bootstrapSecrets" -}}
{{- $root := . -}}
{{- $full := include "berth.fullname" . -}}
{{- $authority := printf "%s-ca" $full -}}
{{- $roles := fromYaml (include "berth.roles" nil) -}}
{{- $secrets := list -}}
{{- $given := list -}}
{{- if .Values.keys.operatorKeysSecret -}}
{{- $given = append $given (printf "%s-operator-keys" $full) -}}
{{- else -}}
{{- $root := printf "%s-operator-root" $full -}}
{{- $secrets = append $secrets (dict "name" $root "kind" "operator-root" "operator_id" .Values.bootstrap.operatorId) -}}
{{- $secrets = append $secrets (dict "name" (include "berth.operatorKeysSecret" .) "kind" "operator-keys" "root" $root) -}}
{{- end -}}
{{- range $name := keys $roles | sortAlpha -}}
{{- if (index $roles $name).kek -}}
{{- $secret := printf "%s-%s-kek" $full $name -}}
{{- if index (default dict $root.Values.keys.keyEncryptionKeySecrets) $name -}}
{{- $given = append $given $secret -}}
{{- else -}}
{{- $secrets = append $secrets (dict "name" $secret "kind" "key-encryption-key" "function" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $secrets = append $secrets (dict "name" (printf "%s-inventory" $full) "kind" "inventory" "given" $given) -}}
{{- $issues := eq .Values.tls.mode "builtin" -}}
{{- if $issues -}}
{{- $secrets = append $secrets (dict "name" $authority "kind" "authority" "trust_domain" .Values.tls.trustDomain) -}}
{{- range $certificate := fromJsonArray (include "berth.certificates" .) -}}
{{- $secret := dict "name" $certificate.secret "authority" $authority "dns" $certificate.dns -}}
{{- if $certificate.uri -}}
{{- $secrets = append $secrets (merge $secret (dict "kind" "identity" "uri" $certificate.uri)) -}}
{{- else -}}
{{- $secrets = append $secrets (merge $secret (dict "kind" "server-certificate")) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $users := list -}}
{{- range $name := keys $roles | sortAlpha -}}
{{- if and (index $roles $name).store (not (index (default dict $root.Values.store.passwordSecrets) $name)) -}}
{{- $secret := printf "%s-%s-store" $full $name -}}
{{- $user := dict "name" $secret "kind" "store-user" "user" $name -}}
{{- if eq $secret (include "berth.storeAuthority" (list $root $name)) }}{{ $_ := set $user "authority" $authority }}{{ end -}}
{{- $secrets = append $secrets $user -}}
{{- $users = append $users $secret -}}
{{- end -}}
{{- end -}}
{{- with $users -}}
{{- $secrets = append $secrets (dict "name" (printf "%s-store-users" $full) "kind" "store-users" "users" .) -}}
{{- end -}}
{{- toJson $secrets -}}
{{- end -}}

{{/* Every certificate that the release needs, as a JSON list: Secret, URI (an identity) or none (a server), names. */}}
{{- define "berth.certificates" -}}
{{- $root := . -}}
{{- $certificates := list -}}
{{- range $name := keys (fromYaml (include "berth.roles" nil)) | sortAlpha -}}
{{- $certificates = append $certificates (dict "short" $name "uri" (include "berth.identity" (list $root (printf "nf/%s" $name))) "dns" (fromJsonArray (include "berth.hosts" (list $root $name)))) -}}
{{- end -}}
{{- $certificates = append $certificates (dict "short" "operator" "uri" (include "berth.identity" (list . "operator/admin")) "dns" list) -}}
{{- if .Values.tests.enabled -}}
{{- $certificates = append $certificates (dict "short" "test" "uri" (include "berth.identity" (list . "operator/test")) "dns" list) -}}
{{- $certificates = append $certificates (dict "short" "test-gateway" "uri" (include "berth.identity" (list . "nf/access-gateway/test")) "dns" list) -}}
{{- end -}}
{{- if .Values.lab.enabled -}}
{{- $certificates = append $certificates (dict "short" "lab" "uri" (include "berth.identity" (list . "nf/access-gateway/lab")) "dns" list) -}}
{{- end -}}
{{- if include "berth.builtinStore" . -}}
{{- $certificates = append $certificates (dict "short" "store" "dns" (fromJsonArray (include "berth.hosts" (list . "store")))) -}}
{{- end -}}
{{- if not .Values.portal.tls.secretName -}}
{{- $host := regexReplaceAll "^https://([^/:]+).*$" (include "berth.portalUrl" .) "${1}" -}}
{{- $hosts := fromJsonArray (include "berth.hosts" (list . "portal")) -}}
{{- /* A public authority certifies no name that only the cluster knows. */ -}}
{{- if or (default dict .Values.portal.tls.issuerRef).name .Values.portal.tls.public }}{{ $hosts = list }}{{ end -}}
{{- $certificates = append $certificates (dict "short" "portal" "dns" (concat $hosts (list $host) (default list .Values.portal.tls.hostnames) | uniq)) -}}
{{- end -}}
{{- range $certificates }}{{ $_ := set . "secret" (printf "%s-%s-tls" (include "berth.fullname" $root) .short) }}{{ end -}}
{{- toJson $certificates -}}
{{- end -}}

{{/* The spec. */}}
{{- define "berth.bootstrapSpec" -}}
{{ include "berth.toml" (list "" (dict "replace_lost" (default list .Values.bootstrap.replaceLost) "labels" (dict "\"app.kubernetes.io/name\"" .Chart.Name "\"app.kubernetes.io/instance\"" .Release.Name "\"app.kubernetes.io/part-of\"" "berth"))) | trim }}
{{ range fromJsonArray (include "berth.bootstrapSecrets" .) }}
[[secret]]
{{ include "berth.toml" (list "" .) | trim }}
{{ end }}
{{- end -}}
