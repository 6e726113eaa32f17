{{/* What the chart computes of Berth's settings, before `config` is merged over it. */}}

{{/* Settings file of a component: list of context and component. */}}
{{- define "berth.settingsFile" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $settings := fromJson (include "berth.computed" .) -}}
{{- $given := deepCopy (default dict $root.Values.config) -}}
{{- /* The gateways and networks of test and laboratory stay beside those that are given. */ -}}
{{- if eq $component "ausf" -}}
{{- $ausf := default dict $given.ausf -}}
{{- range $key := list "access_gateways" "home_networks" -}}
{{- if hasKey $ausf $key -}}
{{- $_ := set $ausf $key (concat (index $ausf $key) (index $settings.ausf $key) | uniq) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $settings = mergeOverwrite $settings $given -}}
{{- /* Sections of other components would only restart pods that do not read them. */ -}}
{{- $own := ternary "lab" $component (has $component (list "test" "lab")) | replace "-" "_" -}}
{{- range $section := concat (keys (fromYaml (include "berth.roles" nil))) (list "access-gateway" "lab" "check") -}}
{{- $name := replace "-" "_" $section -}}
{{- if and (ne $name $own) (not (and (eq $component "test") (eq $name "check"))) }}{{ $_ := unset $settings $name }}{{ end -}}
{{- end -}}
{{- if has $component (list "test" "lab") }}{{ $_ := unset $settings "store" }}{{ end -}}
{{- include "berth.toml" (list "" $settings) | trim -}}
{{- end -}}

{{/* Computed settings of a component as JSON: list of context and component. */}}
{{- define "berth.computed" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $key := replace "-" "_" $component -}}
{{- $settings := dict
  "admin_listen" (printf "%s:9090" $root.Values.bindAddress)
  "tls" (dict "ca" "/etc/berth/tls/ca.crt" "certificate" "/etc/berth/tls/tls.crt" "key" "/etc/berth/tls/tls.key" "trust_domain" $root.Values.tls.trustDomain) -}}
{{- $callers := list $component -}}
{{- if has $component (list "test" "lab") -}}
{{- $callers = list "operator" "access-gateway" -}}
{{- if eq $component "test" }}{{ $_ := unset $settings "admin_listen" }}{{ end -}}
{{- $_ := set $settings "lab" (fromJson (include "berth.computedLab" .)) -}}
{{- else -}}
{{- $_ := set $settings "listen" (dict $key (printf "%s:8443" $root.Values.bindAddress)) -}}
{{- $_ := set $settings $key (fromJson (include "berth.computedSection" .)) -}}
{{- end -}}
{{- $peers := dict -}}
{{- range $callee := ternary (keys (fromYaml (include "berth.roles" nil))) (fromJsonArray (include "berth.callees" $callers)) (eq $component "test") -}}
{{- $_ := set $peers (replace "-" "_" $callee) (printf "%s:8443" (include "berth.host" (list $root $callee))) -}}
{{- end -}}
{{- with $peers }}{{ $_ := set $settings "peers" . }}{{ end -}}
{{- $role := default dict (index (fromYaml (include "berth.roles" nil)) $component) -}}
{{- with $role.store }}{{ $_ := set $settings "store" (dict . (fromJson (include "berth.computedStore" (list $root $component .)))) }}{{ end -}}
{{- toJson $settings -}}
{{- end -}}

{{/* The section of a function: list of context and function. */}}
{{- define "berth.computedSection" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $section := dict -}}
{{- $role := index (fromYaml (include "berth.roles" nil)) $component -}}
{{- if $role.kek -}}
{{- $_ := set $section "sealing" (dict "keys" (list (dict "id" 1 "file" "/etc/berth/kek/1.kek"))) -}}
{{- end -}}
{{- if eq $component "vault" -}}
{{- $folder := "/etc/berth/operator" -}}
{{- $_ := set $section "operator" (dict
  "operator_id" $root.Values.bootstrap.operatorId
  "root_certificate_file" (printf "%s/root.cer" $folder)
  "keyset_file" (printf "%s/keyset.cose" $folder)
  "signer_key_file" (printf "%s/signer.key" $folder)
  "network_key_file" (printf "%s/network.key" $folder)
  "network_chain_file" (printf "%s/network-chain.pem" $folder)) -}}
{{- else if eq $component "ausf" -}}
{{- $plmn := $root.Values.tests.plmn -}}
{{- $network := printf "5G:mnc%03d.mcc%s.3gppnetwork.org" (atoi $plmn.mnc) $plmn.mcc -}}
{{- $gateways := list -}}
{{- range $name, $enabled := dict "test" $root.Values.tests.enabled "lab" $root.Values.lab.enabled -}}
{{- if $enabled }}{{ $gateways = append $gateways (dict "name" $name "serving_network_names" (list $network)) }}{{ end -}}
{{- end -}}
{{- $_ := set $section "access_gateways" $gateways -}}
{{- $_ := set $section "home_networks" (ternary (list (dict "mcc" $plmn.mcc "mnc" $plmn.mnc)) list (gt (len $gateways) 0)) -}}
{{- else if eq $component "configuration-management" -}}
{{- $_ := set $section "msgin5g_server_uri" (include "berth.msgin5gUri" $root) -}}
{{- else if eq $component "subscription-manager" -}}
{{- $_ := set $section "portal_certificate" "/etc/berth/portal/tls.crt" -}}
{{- $_ := set $section "portal_key" "/etc/berth/portal/tls.key" -}}
{{- $_ := set $section "portal_listen" (printf "%s:8444" $root.Values.bindAddress) -}}
{{- $_ := set $section "portal_url" (include "berth.portalUrl" $root) -}}
{{- $_ := set $section "provisioning_listen" (printf "%s:5684" $root.Values.bindAddress) -}}
{{- $_ := set $section "provisioning_uri" (include "berth.provisioningUri" $root) -}}
{{- else if eq $component "msgin5g-server" -}}
{{- $_ := set $section "listen" (printf "%s:5684" $root.Values.bindAddress) -}}
{{- $_ := set $section "af_fqdns" (list (include "berth.afFqdn" $root)) -}}
{{- end -}}
{{- toJson $section -}}
{{- end -}}

{{/* Settings of a store as a function uses it: list of context, function and which store. */}}
{{- define "berth.computedStore" -}}
{{- $root := index . 0 -}}
{{- $store := fromJson (include "berth.store" (list $root (index . 2))) -}}
{{- $settings := dict "backend" "redis"
  "username" (index . 1)
  "password_file" "/etc/berth/store/password"
  "wait_timeout" $store.waitTimeout -}}
{{- if eq $store.mode "builtin" -}}
{{- $_ := set $settings "url" (printf "rediss://%s:6379/0" (include "berth.host" (list $root "store"))) -}}
{{- $_ := set $settings "replicas" 0 -}}
{{- else -}}
{{- $_ := set $settings "replicas" $store.replicas -}}
{{- $_ := set $settings "laboratory" $store.laboratory -}}
{{- $_ := set $settings "settings_vouched" $store.settingsVouched -}}
{{- if eq $store.mode "external" -}}
{{- $_ := set $settings "url" $store.external.url -}}
{{- else -}}
{{- $_ := set $settings "sentinels" $store.sentinel.addresses -}}
{{- $_ := set $settings "primary_name" $store.sentinel.primaryName -}}
{{- with $store.sentinel.username }}{{ $_ := set $settings "sentinel_username" . }}{{ end -}}
{{- if $store.sentinel.passwordSecret }}{{ $_ := set $settings "sentinel_password_file" "/etc/berth/store/sentinel-password" }}{{ end -}}
{{- end -}}
{{- end -}}
{{- if include "berth.storeAuthority" (list $root (index . 1)) }}{{ $_ := set $settings "ca_file" "/etc/berth/store/ca.crt" }}{{ end -}}
{{- toJson $settings -}}
{{- end -}}

{{/* The laboratory of the test or of the component `lab`: list of context and component. */}}
{{- define "berth.computedLab" -}}
{{- $root := index . 0 -}}
{{- $test := eq (index . 1) "test" -}}
{{- /* A SUPI has 15 digits: nine of them are the subscriber's where the network's code has three. */ -}}
{{- $first := sub (len $root.Values.tests.plmn.mnc) 2 | int -}}
{{- dict
  "name" (index . 1)
  "mcc" $root.Values.tests.plmn.mcc
  "mnc" $root.Values.tests.plmn.mnc
  "n1_listen" "0.0.0.0:8480"
  "certificate_listen" (printf "%s:8481" $root.Values.bindAddress)
  "portal_ca" (ternary "/etc/ssl/certs/ca-certificates.crt" "/etc/berth/portal-ca/ca.crt" $root.Values.portal.tls.public)
  "msgin5g_server_uri" (include "berth.msgin5gUri" $root)
  "msgin5g_af_fqdn" (include "berth.afFqdn" $root)
  "ue_service_id_domain" (include "berth.afFqdn" $root)
  "first_msin" (ternary "0010000001" "0000000001" $test | substr $first 10)
  "last_msin" (ternary "0019999999" "0009999999" $test | substr $first 10)
  "first_msisdn" (ternary "88210000001" "88200000001" $test)
  "last_msisdn" (ternary "88219999999" "88209999999" $test) | toJson -}}
{{- end -}}

{{- define "berth.portalUrl" -}}
{{- $service := printf "https://%s" (include "berth.host" (list . "portal")) -}}
{{- $port := int .Values.portal.service.port -}}
{{- default (ternary $service (printf "%s:%d" $service $port) (eq $port 443)) .Values.portal.url -}}
{{- end -}}

{{- define "berth.provisioningUri" -}}
{{- default (printf "coaps://%s:%d" (include "berth.host" (list . "provisioning")) (int .Values.provisioning.service.port)) .Values.provisioning.uri -}}
{{- end -}}

{{- define "berth.msgin5gUri" -}}
{{- default (printf "coaps://%s:%d/msgin5g" (include "berth.host" (list . "msgin5g")) (int .Values.msgin5g.service.port)) .Values.msgin5g.uri -}}
{{- end -}}

{{- define "berth.afFqdn" -}}
{{- default (printf "msgin5g.%s" .Values.tls.trustDomain) .Values.msgin5g.afFqdn -}}
{{- end -}}
