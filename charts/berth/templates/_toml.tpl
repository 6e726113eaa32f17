{{/*
  TOML of a value, because helm's own writer turns whole numbers into fractions. A table is given as list of its path
  (empty at the top) and itself; what is null is left out.
*/}}
{{- define "berth.toml" -}}
{{- $path := index . 0 -}}
{{- $table := index . 1 -}}
{{- $own := "" -}}
{{- $below := "" -}}
{{- range $key := keys $table | sortAlpha -}}
{{- $value := index $table $key -}}
{{- if kindIs "map" $value -}}
{{- $below = printf "%s%s" $below (include "berth.toml" (list (ternary $key (printf "%s.%s" $path $key) (eq $path "")) $value)) -}}
{{- else if not (kindIs "invalid" $value) -}}
{{- $own = printf "%s%s = %s\n" $own $key (include "berth.tomlValue" $value) -}}
{{- end -}}
{{- end -}}
{{- if $own -}}
{{- with $path }}{{ printf "\n[%s]\n" . }}{{ end -}}
{{- $own -}}
{{- end -}}
{{- $below -}}
{{- end -}}

{{/* A value behind `=`. */}}
{{- define "berth.tomlValue" -}}
{{- if kindIs "string" . -}}
{{- toRawJson . -}}
{{- else if kindIs "bool" . -}}
{{- . -}}
{{- else if kindIs "slice" . -}}
[{{ range $index, $item := . }}{{ if $index }}, {{ end }}{{ include "berth.tomlValue" $item }}{{ end }}]
{{- else if kindIs "map" . -}}
{ {{ range $index, $key := keys . | sortAlpha }}{{ if $index }}, {{ end }}{{ $key }} = {{ include "berth.tomlValue" (index $ $key) }}{{ end }} }
{{- else if eq (float64 .) (float64 (int64 .)) -}}
{{- int64 . -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end -}}
