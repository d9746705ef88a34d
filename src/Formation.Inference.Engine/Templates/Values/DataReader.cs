using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace Formation.Inference.Engine.Templates;

/// <summary>Reads JSON of a request into values, all of it data.</summary>
internal sealed class DataReader(RenderContext context)
{
    int _depth;

    public TemplateValue Read(JsonElement element)
    {
        context.ChargeObjects(1);
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                return ReadObject(element);
            case JsonValueKind.Array:
                return ReadArray(element);
            case JsonValueKind.String:
                return ReadString(element);
            case JsonValueKind.Number:
                return ReadNumber(element.GetRawText());
            case JsonValueKind.True:
                return BooleanValue.True;
            case JsonValueKind.False:
                return BooleanValue.False;
            default:
                return NoneValue.Instance;
        }
    }

    /// <summary>The JSON object that a text holds, or null where it holds anything else.</summary>
    public DictValue? TryReadObject(string json)
    {
        try
        {
            context.ChargeText(json.Length);
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = context.Limits.MaxDataDepth });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                return null;
            var read = ReadObject(document.RootElement);
            return new DictValue(read.Items) { SourceText = MarkedText.Data(json) };
        }
        catch (JsonException)
        {
            return null;
        }
    }

    DictValue ReadObject(JsonElement element)
    {
        Enter();
        var dict = new DictValue();
        foreach (var property in element.EnumerateObject())
        {
            context.CheckCollection(dict.Items.Count + 1);
            dict.Items[ReadName(property)] = Read(property.Value);
        }
        _depth--;
        return dict;
    }

    ListValue ReadArray(JsonElement element)
    {
        Enter();
        context.CheckCollection(element.GetArrayLength());
        var items = new List<TemplateValue>(element.GetArrayLength());
        foreach (var item in element.EnumerateArray())
            items.Add(Read(item));
        _depth--;
        return new ListValue(items);
    }

    StringValue ReadString(JsonElement element)
    {
        try
        {
            return ReadText(element.GetString()!);
        }
        catch (InvalidOperationException)
        {
            throw InvalidText();
        }
    }

    StringValue ReadName(JsonProperty property)
    {
        try
        {
            return ReadText(property.Name);
        }
        catch (InvalidOperationException)
        {
            throw InvalidText();
        }
    }

    StringValue ReadText(string text)
    {
        context.ChargeText(text.Length);
        return StringValue.Data(text);
    }

    TemplateException InvalidText() =>
        new(TemplateErrorKind.InvalidInput, "a string of the request's JSON has an unpaired surrogate.", context.Position);

    NumberValue ReadNumber(string text)
    {
        if (text.AsSpan().IndexOfAny('.', 'e', 'E') >= 0)
            return new FloatValue(double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture), isData: true);
        // A decimal digit holds more than three bits; the check keeps a very long number from being parsed at all.
        if (text.Length > context.Limits.MaxIntegerBits / 3)
            throw context.LimitExceeded($"an integer exceeds the limit of {context.Limits.MaxIntegerBits} bits.");
        return new IntegerValue(BigInteger.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture), isData: true);
    }

    void Enter()
    {
        if (++_depth > context.Limits.MaxDataDepth)
            throw context.LimitExceeded($"tools, tool calls or variables nest deeper than the limit of {context.Limits.MaxDataDepth}.");
    }
}
