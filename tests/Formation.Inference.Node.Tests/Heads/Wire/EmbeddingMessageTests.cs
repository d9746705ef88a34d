using Formation.Inference.Node.Heads.Wire;

namespace Formation.Inference.Node.Tests.Heads.Wire;

/// <summary>Requests for vectors and vectors cross a connection as they are; what is damaged or beyond a limit is refused.</summary>
public sealed class EmbeddingMessageTests
{
    static readonly EmbeddingRequest Good = new()
    {
        RequestId = "request",
        ModelId = "model",
        AccountId = "account",
        Inputs = [new TextPrompt("one"), new TokenPrompt([1, 2, 3]), new TextPrompt("")],
        Truncation = InputTruncation.Beginning,
        Normalize = false,
        Dimensions = 3,
        Kind = EmbeddingKind.Token,
    };

    static byte[] BytesOf(EmbeddingRequest request)
    {
        var writer = new MessageWriter();
        writer.BeginFrame(FrameType.Request);
        RequestMessage.Write(writer, request);
        RequestMessage.WriteTrace(writer, "parent", "state");
        writer.EndFrame();
        return writer.Written[GenerationProtocol.HeaderBytes..].ToArray();
    }

    static byte[] PartOf(int input, InputEmbedding vectors, int first, int count)
    {
        var writer = new MessageWriter();
        EmbeddingMessage.WritePart(writer, input, vectors, first, count);
        return writer.Written[GenerationProtocol.HeaderBytes..].ToArray();
    }

    static void Add(VectorsAssembly assembly, byte[] bytes)
    {
        Assert.Null(EmbeddingMessage.ReadEvent(bytes, out var part));
        assembly.Add(part);
    }

    static InputEmbedding Vectors(int tokens, int width, int count) =>
        new(tokens, width, [.. Enumerable.Range(0, count).Select(i => i / 7f - 3)]);

    static EmbeddingRequest Texts(int count) => Good with
    {
        Inputs = [.. Enumerable.Repeat(new TextPrompt("x"), count)],
        Dimensions = null,
        Kind = EmbeddingKind.Input,
    };

    [Fact]
    public void A_request_arrives_as_it_was_sent()
    {
        foreach (var request in (EmbeddingRequest[])[Good, Good with { Normalize = true, Dimensions = null, Truncation = InputTruncation.None, Kind = EmbeddingKind.Input }])
        {
            var received = RequestMessage.Read(BytesOf(request));
            Assert.Null(received.Request);
            Assert.Equal(("parent", "state", "request"), (received.TraceParent, received.TraceState, received.RequestId));
            var read = received.Embedding!;
            Assert.Equal(request with { Inputs = [] }, read with { Inputs = [] });
            Assert.Equal("one", ((TextPrompt)read.Inputs[0]).Text.Value);
            Assert.Equal([1, 2, 3], ((TokenPrompt)read.Inputs[1]).TokenIds);
            Assert.Equal("", ((TextPrompt)read.Inputs[2]).Text.Value);
        }
    }

    public static TheoryData<string, EmbeddingRequest> BeyondLimits => new()
    {
        { "no inputs", Good with { Inputs = [] } },
        { "more than 2048 inputs", Good with { Inputs = [.. Enumerable.Repeat(new TextPrompt(""), 2049)] } },
        { "a conversation", Good with { Inputs = [new ChatPrompt([new ChatMessage("user", "x")])] } },
        { "truncation", Good with { Truncation = (InputTruncation)3 } },
        { "kind", Good with { Kind = (EmbeddingKind)2 } },
        { "dimensions", Good with { Dimensions = 0 } },
        { "dimensions", Good with { Dimensions = -5 } },
        { "prompt's tokens", Good with { Inputs = [new TokenPrompt([-1])] } },
        { "id has", Good with { RequestId = new string('x', 3000) } },
    };

    [Theory]
    [MemberData(nameof(BeyondLimits), DisableDiscoveryEnumeration = true)]
    public void A_request_beyond_a_limit_is_refused(string what, EmbeddingRequest request)
    {
        var fault = Assert.Throws<GenerationProtocolException>(() => RequestMessage.Read(BytesOf(request)));
        Assert.Contains(what, fault.Message);
    }

    [Fact]
    public void Vectors_arrive_bit_for_bit_in_parts_of_any_size()
    {
        var request = Good with { Inputs = [new TextPrompt("x"), new TokenPrompt([5, 6])], Dimensions = null };
        InputEmbedding[] sent = [Vectors(50, 101, 5050), Vectors(2, 101, 202)];
        sent[1].Values[0] = float.Epsilon;
        sent[1].Values[1] = -0f;
        var assembly = new VectorsAssembly(request);
        for (var input = 0; input < 2; input++)
            for (var (first, size) = (0, 1); first < sent[input].Values.Length; first += size, size = size * 3 + 1)
            {
                Assert.False(assembly.IsComplete);
                Add(assembly, PartOf(input, sent[input], first, Math.Min(size, sent[input].Values.Length - first)));
            }

        Assert.True(assembly.IsComplete);
        for (var input = 0; input < 2; input++)
        {
            Assert.Equal(sent[input].Values.Select(BitConverter.SingleToInt32Bits), assembly.Answer.Inputs[input].Values.Select(BitConverter.SingleToInt32Bits));
            Assert.Equal((sent[input].TokenCount, sent[input].Width), (assembly.Answer.Inputs[input].TokenCount, assembly.Answer.Inputs[input].Width));
        }
    }

    [Fact]
    public void A_part_as_large_as_there_are_fits_an_event() =>
        Assert.InRange(
            PartOf(2047, Vectors(300_000, 1, GenerationProtocol.ValuesOfPart), 0, GenerationProtocol.ValuesOfPart).Length, 1, GenerationProtocol.MaxEventBytes);

    public static TheoryData<string, EmbeddingRequest, byte[][]> WrongAnswers => new()
    {
        { "order", Texts(2), [PartOf(1, Vectors(1, 2, 2), 0, 2)] },
        { "order", Texts(1), [PartOf(0, Vectors(1, 2, 2), 0, 2), PartOf(1, Vectors(1, 2, 2), 0, 2)] },
        { "order", Texts(1), [PartOf(0, Vectors(1, 2, 2), 0, 2), PartOf(0, Vectors(1, 2, 2), 0, 2)] },
        { "fit together", Texts(1), [PartOf(0, Vectors(1, 4, 4), 0, 2), PartOf(0, Vectors(1, 3, 4), 2, 1)] },
        { "fit together", Texts(1), [PartOf(0, Vectors(1, 4, 4), 0, 2), PartOf(0, Vectors(2, 4, 4), 2, 1)] },
        { "more values", Texts(1), [PartOf(0, Vectors(1, 2, 3), 0, 3)] },
        { "differ in width", Texts(2), [PartOf(0, Vectors(1, 2, 2), 0, 2), PartOf(1, Vectors(1, 3, 3), 0, 3)] },
        { "width that was asked for", Texts(1) with { Dimensions = 3 }, [PartOf(0, Vectors(1, 2, 2), 0, 2)] },
        { "number of tokens", Texts(1) with { Inputs = [new TokenPrompt([1, 2])], Truncation = InputTruncation.None }, [PartOf(0, Vectors(1, 2, 2), 0, 2)] },
        { "number of tokens", Texts(1) with { Inputs = [new TokenPrompt([1, 2])] }, [PartOf(0, Vectors(3, 2, 2), 0, 2)] },
        { "may have", Texts(2), [PartOf(0, Vectors(200_000, 1, 1), 0, 1), PartOf(1, Vectors(200_000, 1, 1), 0, 1)] },
        { "may have", Texts(1) with { Kind = EmbeddingKind.Token }, [PartOf(0, Vectors(300_000, 100, 1), 0, 1)] },
        { "not finite", Texts(1), [PartOf(0, new InputEmbedding(1, 1, [float.NaN]), 0, 1)] },
        { "not finite", Texts(1), [PartOf(0, new InputEmbedding(1, 1, [float.NegativeInfinity]), 0, 1)] },
        { "an input's tokens", Texts(1), [PartOf(0, Vectors(300_001, 1, 1), 0, 1)] },
        { "an input is", Texts(1), [PartOf(2048, Vectors(1, 1, 1), 0, 1)] },
        { "not whole", Texts(1), [PartOf(0, Vectors(1, 1, 1), 0, 0)] },
        { "none", Texts(1), [[]] },
    };

    [Theory]
    [MemberData(nameof(WrongAnswers), DisableDiscoveryEnumeration = true)]
    public void What_no_honest_head_sends_is_refused(string what, EmbeddingRequest request, byte[][] parts)
    {
        var assembly = new VectorsAssembly(request);
        foreach (var part in parts[..^1])
            Add(assembly, part);
        var fault = Assert.Throws<GenerationProtocolException>(() => Add(assembly, parts[^1]));
        Assert.Contains(what, fault.Message);
    }

    [Fact]
    public void Memory_grows_with_the_values_that_come_and_not_with_those_that_are_announced()
    {
        var bytes = PartOf(0, Vectors(1, EmbeddingRequest.MaxValues, 1), 0, 1);
        var assembly = new VectorsAssembly(Texts(1));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Add(assembly, bytes);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Damaged_messages_are_read_or_refused_and_nothing_else(int seed)
    {
        var random = new Random(seed);
        var refused = 0;
        for (var i = 0; i < 3000; i++)
        {
            var isRequest = i % 2 == 0;
            var bytes = isRequest ? BytesOf(Good) : PartOf(0, Vectors(1, 30, 30), 0, 30);
            for (var changes = random.Next(1, 6); changes > 0; changes--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            if (random.Next(4) == 0)
                bytes = bytes[..random.Next(bytes.Length + 1)];
            try
            {
                if (isRequest)
                    RequestMessage.Read(bytes);
                else if (EmbeddingMessage.ReadEvent(bytes, out var part) is null)
                    new VectorsAssembly(Texts(1)).Add(part);
            }
            catch (GenerationProtocolException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 500, 2999);
    }
}
