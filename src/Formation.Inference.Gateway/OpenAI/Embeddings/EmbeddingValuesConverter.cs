using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Formation.Inference.Gateway.OpenAI.Embeddings;

/// <summary>Writes a vector as OpenAI's clients read it: an array of numbers, or its bytes in base64.</summary>
internal sealed class EmbeddingValuesConverter : JsonConverter<EmbeddingValues>
{
    public override EmbeddingValues Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException("Vectors are only written.");

    public override void Write(Utf8JsonWriter writer, EmbeddingValues value, JsonSerializerOptions options)
    {
        if (value.IsBase64)
        {
            WriteBase64(writer, value.Vector.Span);
            return;
        }

        writer.WriteStartArray();
        foreach (float number in value.Vector.Span)
            writer.WriteNumberValue(number);
        writer.WriteEndArray();
    }

    static void WriteBase64(Utf8JsonWriter writer, ReadOnlySpan<float> vector)
    {
        int length = vector.Length * sizeof(float);
        byte[] bytes = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            for (int i = 0; i < vector.Length; i++)
                BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), vector[i]);
            writer.WriteBase64StringValue(bytes.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes, clearArray: true);
        }
    }
}
