{{/* Words that several manifests share: labels, the container all processes have in common, each one's command. */}}

{{- define "mainstay.labels" -}}
app.kubernetes.io/name: mainstay
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "mainstay.selects" -}}
app.kubernetes.io/name: mainstay
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "mainstay.image" -}}
{{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{/* As in compose.yaml; a test compares. */}}
{{- define "mainstay.commands" -}}
web: [uvicorn, "reliability.asgi:application", --host, 0.0.0.0, --port, "8000", --no-access-log, --timeout-graceful-shutdown, "10"]
worker-relay: [celery, --app, reliability.celery, --quiet, worker, --queues, relay, --pool, threads, --concurrency, "1", --hostname, relay@%h, --without-gossip, --without-mingle, --without-heartbeat]
worker-standard: [celery, --app, reliability.celery, --quiet, worker, --queues, "critical,standard", --pool, threads, --concurrency, "4", --hostname, standard@%h, --without-gossip, --without-mingle, --without-heartbeat]
worker-bulk: [celery, --app, reliability.celery, --quiet, worker, --queues, bulk, --pool, threads, --concurrency, "2", --hostname, bulk@%h, --without-gossip, --without-mingle, --without-heartbeat]
beat: [celery, --app, reliability.celery, --quiet, beat, --scheduler, "celery.beat:Scheduler", --pidfile=]
letters: [python, manage.py, consume_dead_letters]
lag: [python, manage.py, poll_lag]
migrate: [python, manage.py, migrate, --no-input]
{{- end }}

{{/* The Deployments by name: which process each is, and which cluster's letters it stores. */}}
{{- define "mainstay.deployments" -}}
{{- range $name, $process := .Values.processes }}
{{ $name }}: {process: {{ $name }}}
{{- range $process.clusters }}
{{ printf "%s-%s" $name (. | lower | replace "." "-" | replace "_" "-") | trunc 63 | trimSuffix "-" }}: {process: {{ $name }}, cluster: {{ . | quote }}}
{{- end }}
{{- end }}
{{- end }}

{{/* Queues that a process takes from, and is scaled by. */}}
{{- define "mainstay.queues" -}}
worker-standard: [critical, standard]
worker-bulk: [bulk]
{{- end }}

{{- define "mainstay.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: tmp
    emptyDir: {sizeLimit: 64Mi}
  - name: secrets
    secret: {secretName: {{ .Values.secret.name }}, defaultMode: 0440}
  {{- with .Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "mainstay.container" -}}
image: {{ include "mainstay.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
  - {name: secrets, mountPath: /run/secrets/mainstay, readOnly: true}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
env:
  # Probes and Prometheus name the pod by its address, one of IPv6 in brackets.
  - name: POD_IP
    valueFrom: {fieldRef: {fieldPath: status.podIP}}
  - {name: MAINSTAY_ALLOWED_HOSTS, value: {{ printf "%s,$(POD_IP),[$(POD_IP)]" (join "," .Values.hosts) | quote }}}
  - {name: MAINSTAY_URL, value: {{ printf "http%s://%s" (ternary "s" "" .Values.https) (first .Values.hosts) | quote }}}
  - {name: MAINSTAY_ALIVE_PATH, value: /tmp/alive}
  - {name: MAINSTAY_ENVIRONMENT_NAME, value: {{ .Values.environmentName | quote }}}
  - {name: MAINSTAY_HTTPS, value: {{ .Values.https | quote }}}
  - {name: MAINSTAY_TRUSTED_PROXIES, value: {{ .Values.trustedProxies | quote }}}
  {{- range $name, $value := .Values.settings }}
  - {name: {{ $name }}, value: {{ $value | toString | quote }}}
  {{- end }}
  {{- range $name, $key := .Values.secret.keys }}
  - {name: {{ $name }}_FILE, value: /run/secrets/mainstay/{{ $key }}}
  {{- end }}
{{- end }}

{{/* Refuses a policy that shuts out a server which the settings name: its pods would start and wait for ever. */}}
{{- define "mainstay.ways" -}}
{{- $open := dict }}
{{- range .Values.networkPolicy.egress }}
{{- $_ := set $open (toString .port) true }}
{{- end }}
{{- range $variable := list "KAFKA_BOOTSTRAP_SERVERS" "MAINSTAY_OIDC_ISSUER" "OTEL_EXPORTER_OTLP_ENDPOINT" }}
{{- range $address := splitList "," (toString (index $.Values.settings $variable | default "")) }}
{{- $scheme := ternary (first (splitList "://" (trim $address))) "" (contains "://" $address) }}
{{- $server := first (splitList "/" (last (splitList "://" (trim $address)))) }}
{{- $port := regexFind "[0-9]+$" (regexFind ":[0-9]+$" $server) | default (ternary "443" (ternary "80" "" (eq $scheme "http")) (eq $scheme "https")) }}
{{- if and $port (not (hasKey $open $port)) }}
{{- fail (printf "networkPolicy.egress has no line with port %s, which settings.%s names (%s): nothing would reach it" $port $variable $server) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
