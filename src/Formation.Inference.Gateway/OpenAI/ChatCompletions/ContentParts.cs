using System.Text;
using System.Text.Json;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.OpenAI.ChatCompletions;

/// <summary>A message's content: a string, or an array of text parts, which become one text with line breaks between them.</summary>
internal static class ContentParts
{
    internal const int MaxParts = 2048;

    internal static SensitiveText ToText(JsonElement content, bool allowRefusal, string param, IgnoredFields ignored)
    {
        if (JsonWords.TryGetString(content) is { } text)
            return text;
        if (content.ValueKind != JsonValueKind.Array)
            throw InvalidType(param, "a string or an array of content parts", content);
        Count(param, content.GetArrayLength(), 1, MaxParts);
        var joined = new StringBuilder();
        int index = 0;
        foreach (JsonElement part in content.EnumerateArray())
        {
            if (index > 0)
                joined.Append('\n');
            joined.Append(PartText(part, allowRefusal, $"{param}[{index++}]", ignored));
        }

        return joined.ToString();
    }

    static string PartText(JsonElement part, bool allowRefusal, string param, IgnoredFields ignored)
    {
        if (part.ValueKind != JsonValueKind.Object)
            throw InvalidType(param, "an object", part);
        string type = Field(part, "type", param);
        string textField = type switch
        {
            "text" => "text",
            "refusal" when allowRefusal => "refusal",
            "image_url" or "input_audio" or "file" or "video_url" or "audio_url" => throw Fail(
                $"{param}.type", "unsupported_value", $"Unsupported content part at '{param}': '{type}'. The models here read text only."),
            _ => throw InvalidValue(
                $"{param}.type", $"'{Shorten(type)}'. Supported values are: 'text'{(allowRefusal ? ", 'refusal'" : "")}."),
        };
        foreach (JsonProperty property in part.EnumerateObject())
        {
            string name = JsonWords.TryGetName(property) ?? "";
            if (name != "type" && name != textField)
                ignored.Add(param, name);
        }

        return Field(part, textField, param);
    }

    static string Field(JsonElement part, string name, string param)
    {
        if (!part.TryGetProperty(name, out JsonElement value))
            throw Missing($"{param}.{name}");
        return JsonWords.TryGetString(value) ?? throw InvalidType($"{param}.{name}", "a string", value);
    }
}
