{{/* What all pods have in common. */}}

{{- define "berth.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "berth.containerSecurity" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
readOnlyRootFilesystem: true
{{- end -}}

{{/* Volume of a Secret. Whole folders, so that a changed Secret reaches the pod: list of volume and Secret. */}}
{{- define "berth.secretVolume" -}}
- name: {{ index . 0 }}
  secret:
    secretName: {{ index . 1 | quote }}
    defaultMode: 0440
{{- end -}}

{{/* A small /tmp in memory. */}}
{{- define "berth.tmpVolume" -}}
- name: tmp
  emptyDir:
    medium: Memory
    sizeLimit: 16Mi
{{- end -}}

{{/* Password and authority of a function's store user: list of context and function. */}}
{{- define "berth.storeVolume" -}}
{{- $root := index . 0 -}}
{{- $role := index (fromYaml (include "berth.roles" nil)) (index . 1) -}}
{{- $store := fromJson (include "berth.store" (list $root $role.store)) -}}
- name: store
  projected:
    defaultMode: 0440
    sources:
      - secret:
          name: {{ include "berth.storeSecret" . | quote }}
          items: [{key: password, path: password}]
      {{- with include "berth.storeAuthority" . }}
      - secret:
          name: {{ . | quote }}
          items: [{key: ca.crt, path: ca.crt}]
      {{- end }}
      {{- with ternary $store.sentinel.passwordSecret "" (eq $store.mode "sentinel") }}
      - secret:
          name: {{ . | quote }}
          items: [{key: password, path: sentinel-password}]
      {{- end }}
{{- end -}}

{{/*
  Name of the Secret with the authority of a function's store, or nothing for a store without TLS, or whose settings name
  a `ca_file` of the image: list of context and function. The built-in store's is that of its own certificate, whoever issued it.
*/}}
{{- define "berth.storeAuthority" -}}
{{- $root := index . 0 -}}
{{- $role := index (fromYaml (include "berth.roles" nil)) (index . 1) -}}
{{- $store := fromJson (include "berth.store" (list $root $role.store)) -}}
{{- $addresses := ternary $store.sentinel.addresses (list $store.external.url) (eq $store.mode "sentinel") -}}
{{- if eq $store.mode "builtin" -}}
{{- include "berth.tlsSecret" (list $root "store") -}}
{{- else if $root.Values.store.caSecret -}}
{{- $root.Values.store.caSecret -}}
{{- else if not (or (hasPrefix "redis://" (join "," $addresses)) (dig "store" $role.store "ca_file" "" (default dict $root.Values.config))) -}}
{{- if and (ne $root.Values.tls.mode "builtin") (not (index (default dict $root.Values.store.passwordSecrets) (index . 1))) -}}
{{- fail (printf "store.caSecret is not set: with tls.mode %s nothing else says who signed the certificate of the store of %s" $root.Values.tls.mode (index . 1)) -}}
{{- end -}}
{{- include "berth.storeSecret" . -}}
{{- end -}}
{{- end -}}

{{/* Name of the Secret with an identity or a server's certificate: list of context and its short name. */}}
{{- define "berth.tlsSecret" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- if and (eq $name "portal") $root.Values.portal.tls.secretName -}}
{{- $root.Values.portal.tls.secretName -}}
{{- else if eq $root.Values.tls.mode "secret" -}}
{{- $given := index $root.Values.tls.secrets $name -}}
{{- if not $given -}}
{{- $key := ternary "portal.tls.secretName" (printf "tls.secrets.%s" $name) (eq $name "portal") -}}
{{- fail (printf "%s is not set, and tls.mode is secret: name the Secret with tls.crt, tls.key and ca.crt" $key) -}}
{{- end -}}
{{- $given -}}
{{- else -}}
{{- printf "%s-%s-tls" (include "berth.fullname" $root) $name -}}
{{- end -}}
{{- end -}}

{{/* Name of the Secret with a function's store password: list of context and function. */}}
{{- define "berth.storeSecret" -}}
{{- $root := index . 0 -}}
{{- default (printf "%s-%s-store" (include "berth.fullname" $root) (index . 1)) (index (default dict $root.Values.store.passwordSecrets) (index . 1)) -}}
{{- end -}}

{{/* Name of the Secret with a function's key-encryption keys: list of context and function. */}}
{{- define "berth.kekSecret" -}}
{{- $root := index . 0 -}}
{{- default (printf "%s-%s-kek" (include "berth.fullname" $root) (index . 1)) (index (default dict $root.Values.keys.keyEncryptionKeySecrets) (index . 1)) -}}
{{- end -}}

{{/* Name of the Secret with the vault's part of the operator's keys. */}}
{{- define "berth.operatorKeysSecret" -}}
{{- default (printf "%s-operator-keys" (include "berth.fullname" .)) .Values.keys.operatorKeysSecret -}}
{{- end -}}

{{/* Where pods may run and how important they are: values with the usual four keys. */}}
{{- define "berth.placement" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Head of every pod's spec. */}}
{{- define "berth.podHead" -}}
enableServiceLinks: false
securityContext:
  {{- include "berth.podSecurity" . | nindent 2 }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Probes on the admin port. Readiness knows what the function waits for; liveness asks only whether it answers. */}}
{{- define "berth.probes" -}}
startupProbe:
  httpGet: {path: /readyz, port: admin}
  periodSeconds: 1
  timeoutSeconds: 2
  failureThreshold: 120
readinessProbe:
  httpGet: {path: /readyz, port: admin}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 2
livenessProbe:
  httpGet: {path: /livez, port: admin}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end -}}
