using Google.Protobuf;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>A span as a collector gets it, read by hand from OpenTelemetry's protobuf messages.</summary>
/// <param name="Process">The instance that sent it.</param>
/// <param name="Source">The source that made it.</param>
sealed record ReceivedSpan(string Process, string Source, string TraceId, string SpanId, string ParentId, string Name)
{
    public IReadOnlyDictionary<string, object> Attributes { get; init; } = new Dictionary<string, object>();

    /// <summary>Reads an <c>ExportTraceServiceRequest</c>.</summary>
    public static IEnumerable<ReceivedSpan> ReadAll(byte[] request) =>
        Fields(request).Where(field => field.Number == 1).SelectMany(field => ReadResource((byte[])field.Value));

    private static IEnumerable<ReceivedSpan> ReadResource(byte[] resourceSpans)
    {
        var fields = Fields(resourceSpans);
        var resource = fields.Where(field => field.Number == 1).SelectMany(field => Fields((byte[])field.Value));
        var process = (string)ReadAttributes(resource, field: 1)["service.instance.id"];
        foreach (var scope in fields.Where(field => field.Number == 2).Select(field => Fields((byte[])field.Value)))
        {
            var source = scope.Where(field => field.Number == 1).SelectMany(field => Fields((byte[])field.Value)).Single(field => field.Number == 1);
            foreach (var span in scope.Where(field => field.Number == 2))
                yield return ReadSpan(process, Text(source), Fields((byte[])span.Value));
        }
    }

    private static ReceivedSpan ReadSpan(string process, string source, List<Field> fields) =>
        new(process, source, Hex(fields, 1), Hex(fields, 2), Hex(fields, 4), Text(fields.Single(field => field.Number == 5)))
        {
            Attributes = ReadAttributes(fields, field: 9),
        };

    private static Dictionary<string, object> ReadAttributes(IEnumerable<Field> message, int field)
    {
        var attributes = new Dictionary<string, object>(StringComparer.Ordinal);
        foreach (var pair in message.Where(next => next.Number == field).Select(next => Fields((byte[])next.Value)))
        {
            var value = Fields((byte[])pair.Single(next => next.Number == 2).Value).Single();
            attributes[Text(pair.Single(next => next.Number == 1))] = value.Number == 1 ? Text(value)
                : value.Number == 4 ? BitConverter.UInt64BitsToDouble((ulong)value.Value)
                : value.Value;
        }
        return attributes;
    }

    private static string Hex(List<Field> fields, int number) =>
        fields.Where(field => field.Number == number).Select(field => Convert.ToHexStringLower((byte[])field.Value)).FirstOrDefault("");

    private static string Text(Field field) => System.Text.Encoding.UTF8.GetString((byte[])field.Value);

    private static List<Field> Fields(byte[] message)
    {
        var fields = new List<Field>();
        var reader = new CodedInputStream(message);
        while (reader.ReadTag() is > 0 and var tag)
            fields.Add(new Field((int)(tag >> 3), WireFormat.GetTagWireType(tag) switch
            {
                WireFormat.WireType.Varint => reader.ReadInt64(),
                WireFormat.WireType.Fixed64 => reader.ReadFixed64(),
                WireFormat.WireType.Fixed32 => reader.ReadFixed32(),
                _ => reader.ReadBytes().ToByteArray(),
            }));
        return fields;
    }

    private readonly record struct Field(int Number, object Value);
}
