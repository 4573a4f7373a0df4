{{/* Names. 50 characters leave room for the longest suffix within the 63 of a label. */}}
{{- define "omotes-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "omotes-operator.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "omotes-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "omotes-operator.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* The part of the labels that may never change: a Deployment's selector is immutable. */}}
{{- define "omotes-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "omotes-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "omotes-operator.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "omotes-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: omotes
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "omotes-operator.image" -}}
{{- with .Values.image }}
{{- if .digest }}
{{- printf "%s@%s" .repository .digest }}
{{- else }}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) }}
{{- end }}
{{- end }}
{{- end }}

{{/* A job in a namespace that nobody watches would never run. */}}
{{- define "omotes-operator.gatewayNamespace" -}}
{{- $namespace := .Values.gateway.namespace }}
{{- if and $namespace .Values.watchNamespaces (not (has $namespace .Values.watchNamespaces)) }}
{{- fail (printf "\n\ngateway.namespace is %s, which is not among watchNamespaces (%s): add it there, or leave watchNamespaces empty\n" $namespace (join ", " .Values.watchNamespaces)) }}
{{- end }}
{{- $namespace }}
{{- end }}

{{/* Everybody needs his own broker, so the chart has no default. The message is the command that makes the Secret. */}}
{{- define "omotes-operator.brokerSecret" -}}
{{- if not .Values.broker.existingSecret }}
{{- fail (printf `

broker.existingSecret is not set: name the Secret that says how to reach RabbitMQ. To make one:

  kubectl --namespace %[1]s create secret generic omotes-broker \
    --from-literal=amqp-uri='amqps://omotes-operator:PASSWORD@HOST:5671/VHOST' \
    --from-literal=courier-amqp-uri='amqps://omotes-courier:PASSWORD@HOST:5671/VHOST' \
    --from-literal=management-uri='https://omotes-operator:PASSWORD@HOST:15671' \
    --from-file=ca.crt=ca.crt

amqp-uri and courier-amqp-uri are required; they are two users, because the courier runs beside the jobs' programs and
may do much less. Leave out management-uri where the broker has no management API, and ca.crt where its certificate is
signed by a public authority. Then: --set broker.existingSecret=omotes-broker
` .Release.Namespace) }}
{{- end }}
{{- .Values.broker.existingSecret }}
{{- end }}
