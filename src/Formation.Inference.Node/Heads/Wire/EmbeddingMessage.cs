using System.Buffers.Binary;

namespace Formation.Inference.Node.Heads.Wire;

/// <summary>A request for vectors and the vectors themselves, as they cross a connection.</summary>
static class EmbeddingMessage
{
    const int FailedField = 4;
    const int VectorsField = 5;

    /// <summary>Writes what such a request has instead of a prompt, sampling and the rest.</summary>
    public static void Write(MessageWriter writer, int field, EmbeddingRequest request)
    {
        var start = writer.Begin(field);
        foreach (var input in request.Inputs)
            PromptMessage.Write(writer, 1, input);
        writer.Number(2, (int)request.Truncation);
        writer.Flag(3, request.Normalize);
        writer.Optional(4, request.Dimensions);
        writer.Number(5, (int)request.Kind);
        writer.End(start);
    }

    /// <exception cref="GenerationProtocolException">The message is damaged, or a value is beyond its limit.</exception>
    public static EmbeddingRequest Read(MessageReader reader)
    {
        var inputs = new List<Prompt>();
        var request = new EmbeddingRequest { RequestId = "", ModelId = "", AccountId = "", Inputs = inputs, Normalize = false };
        while (reader.Next(out var field))
            switch (field)
            {
                case 1:
                    if (inputs.Count == EmbeddingRequest.MaxInputs)
                        throw new GenerationProtocolException($"a request has more than {EmbeddingRequest.MaxInputs} inputs");
                    inputs.Add(ReadInput(reader.Message()));
                    break;
                case 2: request = request with { Truncation = (InputTruncation)reader.Int32("the truncation", 0, (int)InputTruncation.Beginning) }; break;
                case 3: request = request with { Normalize = reader.Flag() }; break;
                case 4: request = request with { Dimensions = reader.Int32("the dimensions", 1, int.MaxValue) }; break;
                case 5: request = request with { Kind = (EmbeddingKind)reader.Int32("the kind of vectors", 0, (int)EmbeddingKind.Token) }; break;
            }

        return inputs.Count > 0 ? request : throw new GenerationProtocolException("a request has no inputs");
    }

    static Prompt ReadInput(MessageReader reader) => PromptMessage.Read(reader) is var input and not ChatPrompt
        ? input
        : throw new GenerationProtocolException("an input is a conversation");

    /// <summary>Writes a part of an input's vectors, an event of its own.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="input">Which input.</param>
    /// <param name="vectors">All its vectors.</param>
    /// <param name="first">The first of the values in this part.</param>
    /// <param name="count">How many they are, <see cref="GenerationProtocol.ValuesOfPart"/> at most.</param>
    public static void WritePart(MessageWriter writer, int input, InputEmbedding vectors, int first, int count)
    {
        writer.BeginFrame(FrameType.Event);
        var start = writer.Begin(VectorsField);
        writer.Number(1, input);
        writer.Number(2, vectors.TokenCount);
        writer.Number(3, vectors.Width);
        writer.Floats(4, vectors.Values.AsSpan(first, count));
        writer.End(start);
        writer.EndFrame();
    }

    /// <summary>Reads what a head says to such a request.</summary>
    /// <param name="payload">An event.</param>
    /// <param name="part">The part of the vectors in it, where it has one; its values lie in <paramref name="payload"/>.</param>
    /// <returns>Why there are no vectors, or null.</returns>
    /// <exception cref="GenerationProtocolException">The message is damaged, or neither of both.</exception>
    public static GenerationError? ReadEvent(ReadOnlySpan<byte> payload, out VectorsPart part)
    {
        part = default;
        GenerationError? failure = null;
        var reader = new MessageReader(payload);
        while (reader.Next(out var field))
            switch (field)
            {
                case FailedField: failure = EventMessage.ReadFailed(reader.Message()).Error; break;
                case VectorsField: part = ReadPart(reader.Message()); break;
            }

        return failure is not null || part.Tokens > 0 ? failure : throw new GenerationProtocolException("an event beside a request for vectors has none");
    }

    static VectorsPart ReadPart(MessageReader reader)
    {
        var (input, tokens, width) = (0, 0, 0);
        ReadOnlySpan<byte> values = [];
        while (reader.Next(out var field))
            switch (field)
            {
                case 1: input = reader.Int32("an input", 0, EmbeddingRequest.MaxInputs - 1); break;
                case 2: tokens = reader.Int32("an input's tokens", 1, EmbeddingRequest.MaxTokens); break;
                case 3: width = reader.Int32("a vector's width", 1, EmbeddingRequest.MaxValues); break;
                case 4: values = reader.Bytes(); break;
            }

        return tokens > 0 && width > 0 && values.Length > 0 && values.Length % sizeof(float) == 0
            ? new VectorsPart(input, tokens, width, values)
            : throw new GenerationProtocolException("a part of vectors is not whole");
    }
}

/// <summary>Some values of an input's vectors, behind those that came before.</summary>
readonly ref struct VectorsPart(int input, int tokens, int width, ReadOnlySpan<byte> values)
{
    readonly ReadOnlySpan<byte> _values = values;

    /// <summary>Which input.</summary>
    public int Input => input;

    /// <summary>Its tokens.</summary>
    public int Tokens => tokens;

    /// <summary>Values of a vector.</summary>
    public int Width => width;

    /// <summary>Number of values.</summary>
    public int Count => _values.Length / sizeof(float);

    public float this[int index] => BinaryPrimitives.ReadSingleLittleEndian(_values[(index * sizeof(float))..]);
}
