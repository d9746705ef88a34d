using System.Buffers;
using System.Text.Json;

namespace Formation.Inference.Gateway.Requests;

/// <summary>Makes JSON values for the chat template.</summary>
internal static class JsonText
{
    internal static JsonElement ToElement(string text) => Build(json => json.WriteStringValue(text));

    internal static JsonElement Build(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
            write(json);
        return JsonElement.Parse(buffer.WrittenSpan);
    }
}
