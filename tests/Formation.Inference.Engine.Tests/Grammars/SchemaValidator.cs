using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Formation.Inference.Engine.Tests.Grammars;

/// <summary>
/// Whether a value satisfies a JSON Schema, told by looking at the value, not at a grammar. It knows the keywords of the schemas that lie beside it, and is
/// itself held against the verdicts of another implementation by <see cref="JsonSchemaWalkTests"/>.
/// </summary>
internal sealed class SchemaValidator(JsonElement root)
{
    public bool IsValid(JsonElement value) => IsValid(root, value);

    private bool IsValid(JsonElement schema, JsonElement value) => schema.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => schema.EnumerateObject().All(keyword => Holds(schema, keyword.Name, keyword.Value, value)),
    };

    private bool Holds(JsonElement schema, string keyword, JsonElement argument, JsonElement value) => keyword switch
    {
        "$ref" when argument.ValueKind == JsonValueKind.String => IsValid(Resolve(argument.GetString()!), value),
        "not" => !IsValid(argument, value),
        "if" => !schema.TryGetProperty(IsValid(argument, value) ? "then" : "else", out var consequence) || IsValid(consequence, value),
        "allOf" => argument.EnumerateArray().All(part => IsValid(part, value)),
        "anyOf" => argument.EnumerateArray().Any(part => IsValid(part, value)),
        "oneOf" => argument.EnumerateArray().Count(part => IsValid(part, value)) == 1,
        "type" => argument.ValueKind == JsonValueKind.Array ? argument.EnumerateArray().Any(type => IsType(type, value)) : IsType(argument, value),
        "enum" => argument.EnumerateArray().Any(one => JsonElement.DeepEquals(one, value)),
        "const" => JsonElement.DeepEquals(argument, value),
        _ => value.ValueKind switch
        {
            JsonValueKind.Object => HoldsObject(schema, keyword, argument, value),
            JsonValueKind.Array => HoldsArray(schema, keyword, argument, value),
            JsonValueKind.String => HoldsText(keyword, argument, value.GetString()!),
            JsonValueKind.Number => HoldsNumber(schema, keyword, argument, value.GetRawText()),
            _ => true,
        },
    };

    private bool HoldsObject(JsonElement schema, string keyword, JsonElement argument, JsonElement value)
    {
        // Of several properties of one name, readers take the last.
        var properties = value.EnumerateObject().Select(property => property.Name).Distinct().ToDictionary(name => name, name => value.GetProperty(name));
        return keyword switch
        {
            "required" => argument.EnumerateArray().All(name => properties.ContainsKey(name.GetString()!)),
            "properties" => argument.EnumerateObject().All(property => !properties.TryGetValue(property.Name, out var member) || IsValid(property.Value, member)),
            "patternProperties" => argument.EnumerateObject().All(pattern => properties.All(property => !Matches(pattern.Name, property.Key) || IsValid(pattern.Value, property.Value))),
            "additionalProperties" => properties.All(property => IsListed(schema, property.Key) || IsValid(argument, property.Value)),
            "unevaluatedProperties" => properties.Keys.All(name => argument.ValueKind == JsonValueKind.True || IsEvaluated(schema, name, value)),
            "propertyNames" => properties.Keys.All(name => IsValid(argument, JsonSerializer.SerializeToElement(name))),
            "dependentRequired" => argument.EnumerateObject().All(one => !properties.ContainsKey(one.Name) || one.Value.EnumerateArray().All(name => properties.ContainsKey(name.GetString()!))),
            "dependentSchemas" => argument.EnumerateObject().All(one => !properties.ContainsKey(one.Name) || IsValid(one.Value, value)),
            "dependencies" => argument.EnumerateObject().All(one => !properties.ContainsKey(one.Name)
                || (one.Value.ValueKind == JsonValueKind.Array ? one.Value.EnumerateArray().All(name => properties.ContainsKey(name.GetString()!)) : IsValid(one.Value, value))),
            "minProperties" => properties.Count >= argument.GetInt32(),
            "maxProperties" => properties.Count <= argument.GetInt32(),
            _ => true,
        };
    }

    private static bool IsListed(JsonElement schema, string name) =>
        (schema.TryGetProperty("properties", out var properties) && properties.TryGetProperty(name, out _))
        || (schema.TryGetProperty("patternProperties", out var patterns) && patterns.EnumerateObject().Any(pattern => Matches(pattern.Name, name)));

    private bool IsEvaluated(JsonElement schema, string name, JsonElement value) => schema.ValueKind == JsonValueKind.Object && (
        IsListed(schema, name)
        || schema.TryGetProperty("additionalProperties", out _)
        || (schema.TryGetProperty("$ref", out var reference) && reference.ValueKind == JsonValueKind.String && IsEvaluated(Resolve(reference.GetString()!), name, value))
        || (schema.TryGetProperty("if", out var condition)
            && (IsValid(condition, value) ? IsEvaluated(condition, name, value) || (schema.TryGetProperty("then", out var then) && IsEvaluated(then, name, value)) : schema.TryGetProperty("else", out var otherwise) && IsEvaluated(otherwise, name, value)))
        || (schema.TryGetProperty("dependentSchemas", out var dependent) && dependent.EnumerateObject().Any(one => value.TryGetProperty(one.Name, out _) && IsEvaluated(one.Value, name, value)))
        || ((string[])["allOf", "anyOf", "oneOf"]).Any(keyword =>
            schema.TryGetProperty(keyword, out var parts) && parts.EnumerateArray().Any(part => IsValid(part, value) && IsEvaluated(part, name, value))));

    private bool HoldsArray(JsonElement schema, string keyword, JsonElement argument, JsonElement value)
    {
        // Draft 7 has the list under 'items', and what may follow it under 'additionalItems'.
        var isListed = schema.TryGetProperty("prefixItems", out var list) || (schema.TryGetProperty("items", out list) && list.ValueKind == JsonValueKind.Array);
        var prefix = isListed ? list.GetArrayLength() : 0;
        return keyword switch
        {
            "prefixItems" or "items" when argument.ValueKind == JsonValueKind.Array =>
                argument.EnumerateArray().Zip(value.EnumerateArray()).All(pair => IsValid(pair.First, pair.Second)),
            "items" => value.EnumerateArray().Skip(prefix).All(item => IsValid(argument, item)),
            "additionalItems" => !isListed || value.EnumerateArray().Skip(prefix).All(item => IsValid(argument, item)),
            "unevaluatedItems" => schema.TryGetProperty("items", out _) || value.EnumerateArray().Skip(prefix).All(item => IsValid(argument, item)),
            "uniqueItems" => argument.ValueKind == JsonValueKind.False || AreApart([.. value.EnumerateArray()]),
            "contains" => value.EnumerateArray().Count(item => IsValid(argument, item)) is var count
                && count >= (schema.TryGetProperty("minContains", out var least) ? least.GetInt32() : 1) && !(schema.TryGetProperty("maxContains", out var most) && count > most.GetInt32()),
            "minItems" => value.GetArrayLength() >= argument.GetDouble(),
            "maxItems" => value.GetArrayLength() <= argument.GetDouble(),
            _ => true,
        };
    }

    private static bool AreApart(JsonElement[] items) =>
        !items.Where((item, index) => items.Take(index).Any(before => JsonElement.DeepEquals(before, item))).Any();

    private static bool HoldsText(string keyword, JsonElement argument, string text) => keyword switch
    {
        "minLength" => text.EnumerateRunes().Count() >= argument.GetInt32(),
        "maxLength" => text.EnumerateRunes().Count() <= argument.GetInt32(),
        "pattern" => Matches(argument.GetString()!, text),
        "format" => IsFormat(argument.GetString()!, text),
        _ => true,
    };

    private static bool HoldsNumber(JsonElement schema, string keyword, JsonElement argument, string text)
    {
        if (keyword is not ("minimum" or "maximum" or "exclusiveMinimum" or "exclusiveMaximum" or "multipleOf") || argument.ValueKind != JsonValueKind.Number)
            return true;
        // In draft 4 the exclusive bounds are words on the others.
        if (schema.TryGetProperty($"exclusive{char.ToUpperInvariant(keyword[0])}{keyword[1..]}", out var exclusive) && exclusive.ValueKind == JsonValueKind.True)
            keyword = $"exclusive{char.ToUpperInvariant(keyword[0])}{keyword[1..]}";
        var bound = argument.GetDecimal();
        // 28 digits are enough for all that grammars write between bounds; anything else is far outside.
        if (!decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
            return keyword.EndsWith("inimum", StringComparison.Ordinal) != text.StartsWith('-');
        return keyword switch
        {
            "minimum" => number >= bound,
            "maximum" => number <= bound,
            "exclusiveMinimum" => number > bound,
            "exclusiveMaximum" => number < bound,
            _ => number % bound == 0,
        };
    }

    private static bool Matches(string pattern, string text) => EcmaPattern.IsMatch(pattern, text);

    private static bool IsFormat(string format, string text)
    {
        const string Offset = @"(Z|[+-](\d\d):(\d\d))\z";
        switch (format)
        {
            case "date":
                return DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _);
            case "time":
                return TimeOnly.TryParse(Regex.Replace(text, Offset, ""), CultureInfo.InvariantCulture, out _) && Regex.IsMatch(text, @"^\d\d:\d\d:\d\d(\.\d+)?" + Offset);
            case "date-time":
                return text.Length > 11 && text[10] == 'T' && IsFormat("date", text[..10]) && IsFormat("time", text[11..]);
            case "uuid":
                return Guid.TryParseExact(text, "D", out _);
            case "ipv4":
                return text.Count('.') == 3 && IPAddress.TryParse(text, out var four) && four.ToString() == text;
            case "ipv6":
                return IPAddress.TryParse(text, out var six) && six.AddressFamily == AddressFamily.InterNetworkV6 && !text.Contains('%');
            case "email":
                return System.Net.Mail.MailAddress.TryCreate(text, out var address) && address.Address == text;
            case "hostname":
                // Labels may be numbers only, which .NET takes for a short address.
                return Uri.CheckHostName(text) is UriHostNameType.Dns or UriHostNameType.IPv4 && text.Length <= 253;
            case "uri":
                return Uri.TryCreate(text, UriKind.Absolute, out _) && !text.StartsWith('/');
            case "duration":
                return Regex.IsMatch(text, @"^P(?=.)(\d+W|(\d+Y)?(\d+M)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+S)?)?)\z");
            case "json-pointer":
                return Regex.IsMatch(text, @"^(/([^/~]|~[01])*)*\z");
            case "relative-json-pointer":
                return Regex.IsMatch(text, @"^(0|[1-9][0-9]*)(#|(/([^/~]|~[01])*)*)\z");
            case "uri-reference":
                return Uri.TryCreate(text, UriKind.RelativeOrAbsolute, out _) && !text.Contains(' ', StringComparison.Ordinal);
            default:
                return true;
        }
    }

    private static bool IsType(JsonElement type, JsonElement value) => type.GetString() switch
    {
        "null" => value.ValueKind == JsonValueKind.Null,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "string" => value.ValueKind == JsonValueKind.String,
        "array" => value.ValueKind == JsonValueKind.Array,
        "object" => value.ValueKind == JsonValueKind.Object,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && value.GetDouble() is var number && Math.Floor(number) == number,
        _ => throw new ArgumentException($"the type {type} is not known"),
    };

    private JsonElement Resolve(string reference) => reference.StartsWith('#') && !reference.StartsWith("#/", StringComparison.Ordinal) && reference.Length > 1
        ? Anchored(root, reference[1..]).First()
        : Uri.UnescapeDataString(reference).Split('/').Skip(1)
            .Select(name => name.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal))
            .Aggregate(root, (place, name) => place.ValueKind == JsonValueKind.Array ? place[int.Parse(name, CultureInfo.InvariantCulture)] : place.GetProperty(name));

    private static IEnumerable<JsonElement> Anchored(JsonElement place, string name) => place.ValueKind switch
    {
        JsonValueKind.Array => place.EnumerateArray().SelectMany(part => Anchored(part, name)),
        JsonValueKind.Object => place.EnumerateObject().SelectMany(part => Anchored(part.Value, name))
            .Concat(place.TryGetProperty("$anchor", out var anchor) && anchor.ValueKind == JsonValueKind.String && anchor.GetString() == name ? [place] : []),
        _ => [],
    };
}
