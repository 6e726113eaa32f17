{{/* What the pods of test and laboratory have in common. */}}

{{/* Part of their container: list of context and resources. */}}
{{- define "berth.labContainer" -}}
env:
  # Functions and devices reach manufacturer and gateway at the pod itself.
  - name: POD_IP
    valueFrom:
      fieldRef:
        fieldPath: status.podIP
  - name: BERTH__LAB__ADVERTISED_ADDRESS
    value: $(POD_IP)
resources:
  {{- toYaml (index . 1) | nindent 2 }}
securityContext:
  {{- include "berth.containerSecurity" (index . 0) | nindent 2 }}
volumeMounts:
  - {name: config, mountPath: /etc/berth, readOnly: true}
  - {name: tls, mountPath: /etc/berth/tls, readOnly: true}
  - {name: gateway-tls, mountPath: /etc/berth/gateway-tls, readOnly: true}
  {{- if not (index . 0).Values.portal.tls.public }}
  - {name: portal-ca, mountPath: /etc/berth/portal-ca, readOnly: true}
  {{- end }}
  - {name: tmp, mountPath: /tmp}
{{- end -}}

{{/* Their volumes: list of context, component, and short names of the operator's and the gateway's certificate. */}}
{{- define "berth.labVolumes" -}}
{{- $root := index . 0 -}}
- name: config
  configMap:
    name: {{ include "berth.fullname" $root }}-{{ index . 1 }}
{{ include "berth.secretVolume" (list "tls" (include "berth.tlsSecret" (list $root (index . 2)))) }}
{{ include "berth.secretVolume" (list "gateway-tls" (include "berth.tlsSecret" (list $root (index . 3)))) }}
{{- if not $root.Values.portal.tls.public }}
- name: portal-ca
  secret:
    secretName: {{ include "berth.tlsSecret" (list $root "portal") | quote }}
    defaultMode: 0440
    # Without it the pod would never start; the test says which file is missing.
    optional: true
    items: [{key: ca.crt, path: ca.crt}]
{{- end }}
{{ include "berth.tmpVolume" $root }}
{{- end -}}
