{{/* Names, labels and images: each said once. */}}

{{/*
  Prefix of every object's name. The longest function's name still fits behind 36 characters; a longer prefix is cut, and
  a digest of the whole keeps two apart that begin alike. Services take names of DNS labels alone, which only the API
  server would see, after the hook has made its Secrets.
*/}}
{{- define "berth.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := default (ternary $name (printf "%s-%s" .Release.Name $name) (eq .Release.Name $name)) .Values.fullnameOverride -}}
{{- if not (regexMatch "^[a-z]([a-z0-9-]*[a-z0-9])?$" $full) -}}
{{- fail (printf "%s cannot begin the names of Services (small letters, digits and hyphens, a letter first): set fullnameOverride" $full) -}}
{{- end -}}
{{- if gt (len $full) 36 -}}
{{- $full = printf "%s-%s" ($full | trunc 27 | trimSuffix "-") (sha256sum $full | trunc 8) -}}
{{- end -}}
{{- $full -}}
{{- end -}}

{{/* Labels by which the pods of the release, or of one component, are found: list of context and component. */}}
{{- define "berth.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name | quote }}
{{- with index . 1 }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{/* All labels of an object: list of context and component, and labels of its own, if it has any. */}}
{{- define "berth.labels" -}}
{{- $root := index . 0 -}}
{{- $own := dict -}}
{{- if gt (len .) 2 }}{{ $own = index . 2 }}{{ end -}}
{{ include "berth.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: berth
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- with merge (deepCopy (default dict $own)) (default dict $root.Values.commonLabels) }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Reference of an image: list of its values and the tag that stands for none. */}}
{{- define "berth.image" -}}
{{- $image := index . 0 -}}
{{- $repository := $image.repository -}}
{{- with $image.registry }}{{ $repository = printf "%s/%s" . $repository }}{{ end -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default (index . 1) $image.tag) -}}
{{- end -}}
{{- end -}}

{{/* Name of a Service as the whole cluster resolves it: list of context and the name behind the prefix. */}}
{{- define "berth.host" -}}
{{- $root := index . 0 -}}
{{- printf "%s-%s.%s.svc.%s" (include "berth.fullname" $root) (index . 1) $root.Release.Namespace $root.Values.clusterDomain -}}
{{- end -}}

{{/* Names of a Service, shortest first, as a JSON list: list of context and the name behind the prefix. */}}
{{- define "berth.hosts" -}}
{{- $root := index . 0 -}}
{{- $short := printf "%s-%s" (include "berth.fullname" $root) (index . 1) -}}
{{- $space := printf "%s.%s" $short $root.Release.Namespace -}}
{{- list $short $space (printf "%s.svc" $space) (include "berth.host" .) | toJson -}}
{{- end -}}

{{/* URI of an identity: list of context and its path. */}}
{{- define "berth.identity" -}}
{{- printf "spiffe://%s/%s" (index . 0).Values.tls.trustDomain (index . 1) -}}
{{- end -}}
