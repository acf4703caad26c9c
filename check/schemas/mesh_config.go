// Prints the JSON schema of Istio's MeshConfig and ProxyConfig, which exist only as protobuf. Run by renew.py.
package main

import (
	"encoding/json"
	"os"

	"google.golang.org/protobuf/reflect/protoreflect"
	mesh "istio.io/api/mesh/v1alpha1"
)

type object = map[string]any

var definitions = object{}

func main() {
	for _, message := range []protoreflect.ProtoMessage{&mesh.MeshConfig{}, &mesh.ProxyConfig{}} {
		reference(message.ProtoReflect().Descriptor())
	}
	if err := json.NewEncoder(os.Stdout).Encode(definitions); err != nil {
		panic(err)
	}
}

func reference(message protoreflect.MessageDescriptor) object {
	name := string(message.FullName())
	switch name {
	case "google.protobuf.Duration":
		return object{"type": "string", "x-duration": true}
	case "google.protobuf.Timestamp":
		return object{"type": "string"}
	case "google.protobuf.Struct", "google.protobuf.Any":
		return object{"type": "object"}
	case "google.protobuf.Value":
		return object{}
	case "google.protobuf.ListValue":
		return object{"type": "array"}
	}
	if message.ParentFile().Path() == "google/protobuf/wrappers.proto" {
		return one(message.Fields().ByName("value"))
	}
	if _, known := definitions[name]; !known {
		definitions[name] = nil
		definitions[name] = fields(message)
	}
	return object{"$ref": "#/$defs/" + name}
}

func fields(message protoreflect.MessageDescriptor) object {
	properties := object{}
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		switch {
		case field.IsMap():
			properties[field.JSONName()] = object{"type": "object", "additionalProperties": one(field.MapValue())}
		case field.IsList():
			properties[field.JSONName()] = object{"type": "array", "items": one(field)}
		default:
			properties[field.JSONName()] = one(field)
		}
	}
	schema := object{"type": "object", "properties": properties, "additionalProperties": false}
	var exclusive []any
	for i := range message.Oneofs().Len() {
		choice := message.Oneofs().Get(i).Fields()
		for one := range choice.Len() {
			for other := range one {
				both := []string{choice.Get(other).JSONName(), choice.Get(one).JSONName()}
				exclusive = append(exclusive, object{"not": object{"required": both}})
			}
		}
	}
	if exclusive != nil {
		schema["allOf"] = exclusive
	}
	return schema
}

func one(field protoreflect.FieldDescriptor) object {
	switch field.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return reference(field.Message())
	case protoreflect.EnumKind:
		var names []string
		for i := range field.Enum().Values().Len() {
			names = append(names, string(field.Enum().Values().Get(i).Name()))
		}
		return object{"enum": names}
	case protoreflect.BoolKind:
		return object{"type": "boolean"}
	case protoreflect.StringKind, protoreflect.BytesKind:
		return object{"type": "string"}
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return object{"type": "number"}
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return object{"type": []string{"integer", "string"}}
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return object{"type": "integer", "minimum": 0}
	default:
		return object{"type": "integer"}
	}
}
