using System.Text.Json;
using Formation.Inference.Node.Heads.Wire;
using Google.Protobuf;

namespace Formation.Inference.Node.Tests.Heads.Wire;

/// <summary>Requests and events cross a connection as they are; what is damaged, too large or of a later version is refused or passed over.</summary>
public sealed class MessageTests
{
    static byte[] BytesOf(Action<MessageWriter> write)
    {
        var writer = new MessageWriter();
        writer.BeginFrame(FrameType.Event);
        write(writer);
        writer.EndFrame();
        return writer.Written[GenerationProtocol.HeaderBytes..].ToArray();
    }

    static byte[] BytesOf(GenerationRequest request) => BytesOf(writer => RequestMessage.Write(writer, request));

    static byte[] BytesOf(GenerationEvent item) => BytesOf(writer => EventMessage.Write(writer, item));

    /// <summary>Every value of an object and of all that it holds; texts that hide themselves in a log are shown.</summary>
    static string Shown(object value) => JsonSerializer.Serialize(value, value.GetType(), Options);

    static readonly JsonSerializerOptions Options = new()
    {
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new PromptConverter() },
    };

    sealed class PromptConverter : System.Text.Json.Serialization.JsonConverter<Prompt>
    {
        public override Prompt Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) => throw new NotSupportedException();

        public override void Write(Utf8JsonWriter writer, Prompt value, JsonSerializerOptions options) =>
            JsonSerializer.Serialize(writer, value, value.GetType(), new JsonSerializerOptions());
    }

    [Fact]
    public void Requests_of_all_kinds_arrive_as_they_were_sent()
    {
        var messages = new RandomMessages(1);
        for (var i = 0; i < 300; i++)
        {
            var request = messages.Request();
            var read = RequestMessage.Read(BytesOf(request)).Request!;
            Assert.Equal(Shown(request), Shown(read));
            Assert.Equal(request.TemplateTime?.Offset, read.TemplateTime?.Offset);
        }
    }

    [Fact]
    public void Events_of_all_kinds_arrive_as_they_were_sent()
    {
        var messages = new RandomMessages(2);
        for (var i = 0; i < 500; i++)
        {
            var item = messages.Event();
            Assert.Equal(Shown(item), Shown(EventMessage.Read(BytesOf(item))));
        }
    }

    [Fact]
    public void Every_property_of_a_request_is_one_that_crosses()
    {
        // What is added to the contract has to be added to the wire: then this number changes with both.
        // Two do not: which replica may be asked, and which nodes it lay on, are the gateway's own.
        Assert.Equal(14 + 1, typeof(GenerationRequest).GetProperties().Count(property => property.CanWrite));
        Assert.Equal(2, typeof(ReasoningOptions).GetProperties().Count(property => property.CanWrite));
        Assert.Equal(4, typeof(ReasoningSyntax).GetProperties().Count(property => property.CanWrite));
        Assert.Equal(10, typeof(SamplingParams).GetProperties().Count(property => property.CanWrite));
        Assert.Equal(3, typeof(ToolUse).GetProperties().Count(property => property.CanWrite));
        Assert.Equal(5, typeof(ToolCallSyntax).GetProperties().Count(property => property.CanWrite));
        Assert.Equal(2, typeof(OutputFormat).GetProperties().Count(property => property.CanWrite));
        Assert.Equal(6, typeof(StopConditions).GetProperties().Count(property => property.CanWrite));
        Assert.Equal(4, typeof(ContinuedChoice).GetProperties().Count(property => property.CanWrite));
        Assert.Equal(6, typeof(ChatMessage).GetProperties().Count(property => property.CanWrite));
        Assert.Equal(["Prefix", "Suffix"], typeof(InfillPrompt).GetProperties().Select(property => property.Name).Where(name => name != "EqualityContract").Order());
        Assert.Equal(5, typeof(ChatPrompt).GetProperties().Count(property => property.CanWrite));
        Assert.Equal(5, typeof(GenerationDelta).GetProperties().Count(property => property.CanWrite));
        Assert.Equal(5, typeof(TokenLogprob).GetProperties().Count(property => property.CanWrite));
        Assert.Equal(4, typeof(TokenAlternative).GetProperties().Count(property => property.CanWrite));
        Assert.Equal(8 + 1, typeof(GenerationFinished).GetProperties().Count(property => property.CanWrite));
        Assert.Equal(4, typeof(GenerationStarted).GetProperties().Count(property => property.CanWrite));
        Assert.Equal(4, typeof(GenerationError).GetProperties().Count(property => property.CanWrite));
        Assert.Equal((int)GenerationErrorKind.Internal + 1, Enum.GetValues<GenerationErrorKind>().Length);
        Assert.Equal((int)FinishReason.Length + 1, Enum.GetValues<FinishReason>().Length);
    }

    /// <summary>Bytes from another implementation of the format: Google's library for Protocol Buffers.</summary>
    [Fact]
    public void Another_implementation_writes_what_is_read_here()
    {
        using var memory = new MemoryStream();
        using (var output = new CodedOutputStream(memory))
        {
            // A field of a later version of each wire type, then a finished choice whose fields stand in another order.
            output.WriteTag(1000, WireFormat.WireType.Varint);
            output.WriteUInt64(ulong.MaxValue);
            output.WriteTag(1001, WireFormat.WireType.Fixed64);
            output.WriteFixed64(7);
            output.WriteTag(1002, WireFormat.WireType.LengthDelimited);
            output.WriteString("later");
            output.WriteTag(1003, WireFormat.WireType.Fixed32);
            output.WriteFloat(1.5f);
            output.WriteTag(3, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(Inner()));
        }

        Assert.Equal(
            new GenerationFinished(3, FinishReason.Length, 300) { StopTokenId = 0, CachedPromptTokens = 16, StopString = "Ende ü" },
            EventMessage.Read(memory.ToArray()));

        static byte[] Inner()
        {
            using var memory = new MemoryStream();
            using (var output = new CodedOutputStream(memory))
            {
                output.WriteTag(6, WireFormat.WireType.Varint);
                output.WriteInt32(16);
                output.WriteTag(4, WireFormat.WireType.LengthDelimited);
                output.WriteString("Ende ü");
                output.WriteTag(5, WireFormat.WireType.Varint);
                output.WriteInt32(0);
                output.WriteTag(99, WireFormat.WireType.Varint);
                output.WriteInt64(-1);
                output.WriteTag(2, WireFormat.WireType.Varint);
                output.WriteInt32(1);
                output.WriteTag(3, WireFormat.WireType.Varint);
                output.WriteInt32(300);
                output.WriteTag(1, WireFormat.WireType.Varint);
                output.WriteInt32(3);
            }

            return memory.ToArray();
        }
    }

    [Fact]
    public void Another_implementation_reads_what_is_written_here()
    {
        var bytes = BytesOf(new GenerationDelta(2, new string('ü', 100), []) { TokenIds = [1, 300, 70_000] });
        using var input = new CodedInputStream(bytes);
        Assert.Equal(WireFormat.MakeTag(2, WireFormat.WireType.LengthDelimited), input.ReadTag());
        using var delta = input.ReadBytes().CreateCodedInput();
        Assert.Equal(WireFormat.MakeTag(1, WireFormat.WireType.Varint), delta.ReadTag());
        Assert.Equal(2, delta.ReadInt32());
        Assert.Equal(WireFormat.MakeTag(2, WireFormat.WireType.LengthDelimited), delta.ReadTag());
        Assert.Equal(new string('ü', 100), delta.ReadString());
        Assert.Equal(WireFormat.MakeTag(3, WireFormat.WireType.LengthDelimited), delta.ReadTag());
        using var ids = delta.ReadBytes().CreateCodedInput();
        Assert.Equal([1, 300, 70_000], [ids.ReadInt32(), ids.ReadInt32(), ids.ReadInt32()]);
        Assert.True(ids.IsAtEnd && delta.IsAtEnd && input.IsAtEnd);
    }

    public static TheoryData<string, GenerationRequest> BeyondLimits
    {
        get
        {
            var good = new RandomMessages(4).Request() with { Prompt = new TextPrompt("x"), Continuation = null, Choices = 1 };
            var sampling = SamplingParams.Default;
            return new TheoryData<string, GenerationRequest>
            {
                { "choices", good with { Choices = 129 } },
                { "the number of choices", good with { Choices = -1 } },
                { "alternatives", good with { Logprobs = new LogprobOptions(21) } },
                { "another number of choices", good with { Continuation = new Continuation([new ContinuedChoice(), new ContinuedChoice()]) } },
                { "kind of a format", good with { Format = new OutputFormat((OutputFormatKind)5, "") } },
                { "choice of tools", good with { ToolUse = new ToolUse((ToolChoice)2) } },
                { "a tool's name", good with { ToolUse = new ToolUse(ToolChoice.Auto) { Name = new string('x', 3000) } } },
                { "a format", good with { Format = new OutputFormat(OutputFormatKind.Pattern, new string('ß', 2 * OutputFormat.MaxSourceLength)) } },
                { "temperature", good with { Sampling = sampling with { Temperature = float.NaN } } },
                { "temperature", good with { Sampling = sampling with { Temperature = -1 } } },
                { "top-p", good with { Sampling = sampling with { TopP = 0 } } },
                { "repetition", good with { Sampling = sampling with { RepetitionPenalty = float.PositiveInfinity } } },
                { "bias", good with { Sampling = sampling with { LogitBias = new Dictionary<int, float> { [1] = 101 } } } },
                { "biases", good with { Sampling = sampling with { LogitBias = Enumerable.Range(0, 5000).ToDictionary(i => i, _ => 1f) } } },
                { "stop strings", good with { Stop = new StopConditions { Strings = new string[65].Select(_ => "x").ToList() } } },
                { "stop tokens", good with { Stop = new StopConditions { TokenIds = new int[1025] } } },
                { "prompt's tokens", good with { Prompt = new TokenPrompt([-1]) } },
                { "messages", good with { Prompt = new ChatPrompt(Enumerable.Repeat(new ChatMessage("user", "x"), 4097).ToList()) } },
                {
                    "does not open",
                    good with { Prompt = new ChatPrompt([new ChatMessage("user", "x")]) { AssistantPrefix = "y", AddGenerationPrompt = false } }
                },
                { "no messages", good with { Prompt = new ChatPrompt([]) } },
                { "id has", good with { RequestId = new string('x', 3000) } },
            };
        }
    }

    [Theory]
    [MemberData(nameof(BeyondLimits), DisableDiscoveryEnumeration = true)]
    public void A_request_beyond_a_limit_is_refused(string what, GenerationRequest request)
    {
        var fault = Assert.Throws<GenerationProtocolException>(() => RequestMessage.Read(BytesOf(request)));
        Assert.Contains(what, fault.Message);
    }

    [Fact]
    public void Json_that_is_too_deep_is_refused_without_a_word_of_it()
    {
        var deep = BytesOf(writer =>
        {
            var prompt = writer.Begin(4);
            var chat = writer.Begin(3);
            writer.Bytes(2, System.Text.Encoding.UTF8.GetBytes("[\"secret\"," + new string('[', 100) + new string(']', 101)));
            writer.End(chat);
            writer.End(prompt);
        });
        var fault = Assert.Throws<GenerationProtocolException>(() => RequestMessage.Read(deep));
        Assert.DoesNotContain("secret", fault.ToString());
    }

    [Fact]
    public void A_prompt_with_a_gap_has_both_parts_and_no_gap_within_a_gap()
    {
        byte[] Infill(Action<MessageWriter> write) => BytesOf(writer =>
        {
            var prompt = writer.Begin(4);
            var infill = writer.Begin(4);
            write(writer);
            writer.End(infill);
            writer.End(prompt);
        });
        void Part(MessageWriter writer, int kind)
        {
            var prefix = writer.Begin(1);
            var inner = writer.Begin(kind);
            writer.Text(1, "secret");
            writer.End(inner);
            writer.End(prefix);
        }

        byte[][] refused =
        [
            Infill(writer => writer.Text(2, "behind")), Infill(writer => PromptMessage.Write(writer, 1, new TextPrompt("before"))),
            Infill(writer => { Part(writer, 3); writer.Text(2, "behind"); }), Infill(writer => { Part(writer, 4); writer.Text(2, "behind"); }),
        ];
        Assert.All(refused, bytes =>
        {
            var fault = Assert.Throws<GenerationProtocolException>(() => RequestMessage.Read(bytes));
            Assert.Contains("gap", fault.Message);
            Assert.DoesNotContain("secret", fault.ToString());
        });
    }

    [Fact]
    public void An_end_with_more_tokens_than_there_may_be_is_refused()
    {
        GenerationFinished End(int tokens) => new(0, FinishReason.Stop, 200) { EndTokens = [.. Enumerable.Repeat(new TokenLogprob(1, default, -1, []), tokens)] };
        Assert.Equal(GenerationFinished.MaxEndTokens, Assert.IsType<GenerationFinished>(EventMessage.Read(BytesOf(End(GenerationFinished.MaxEndTokens)))).EndTokens.Count);
        Assert.Throws<GenerationProtocolException>(() => EventMessage.Read(BytesOf(End(GenerationFinished.MaxEndTokens + 1))));
    }

    [Fact]
    public void A_failure_of_a_later_kind_is_an_internal_one_and_its_text_has_no_control_characters()
    {
        var bytes = BytesOf(writer =>
        {
            var start = writer.Begin(4);
            writer.Number(1, 4711);
            writer.Text(2, "first\u001b[2Jsecond\n");
            writer.End(start);
        });
        var failed = Assert.IsType<GenerationFailed>(EventMessage.Read(bytes));
        Assert.Equal((GenerationErrorKind.Internal, "first?[2Jsecond?"), (failed.Error.Kind, failed.Error.Message));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Damaged_messages_are_read_or_refused_and_nothing_else(int seed)
    {
        var (messages, random) = (new RandomMessages(seed), new Random(seed));
        var refused = 0;
        for (var i = 0; i < 3000; i++)
        {
            var isRequest = i % 2 == 0;
            var bytes = isRequest ? BytesOf(messages.Request()) : BytesOf(messages.Event());
            for (var changes = random.Next(1, 6); changes > 0 && bytes.Length > 0; changes--)
                bytes[random.Next(Math.Min(bytes.Length, 400))] = (byte)random.Next(256);
            if (random.Next(4) == 0)
                bytes = bytes[..random.Next(bytes.Length + 1)];
            try
            {
                if (isRequest)
                    RequestMessage.Read(bytes);
                else
                    EventMessage.Read(bytes);
            }
            catch (GenerationProtocolException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 500, 2999);
    }

    [Fact]
    public void A_long_delta_is_sent_in_parts_that_add_up_and_split_no_character()
    {
        var text = string.Concat(Enumerable.Repeat("x😀", 60_000));
        var tokens = Enumerable.Range(0, 1000).Select(i => new TokenLogprob(i, new byte[] { 1 }, -1, [])).ToList();
        var delta = new GenerationDelta(3, text, tokens) { TokenIds = [.. tokens.Select(token => token.TokenId)] };
        var parts = DeltaParts.Of(delta).ToList();
        Assert.All(parts, part => Assert.InRange(BytesOf(part).Length, 1, GenerationProtocol.MaxEventBytes));
        Assert.All(parts, part => Assert.False(part.Text.Length > 0 && char.IsHighSurrogate(part.Text.Value[^1])));
        Assert.Equal(text, string.Concat(parts.Select(part => part.Text.Value)));
        Assert.Equal(delta.TokenIds, parts.SelectMany(part => part.TokenIds));
        Assert.Equal(tokens, parts.SelectMany(part => part.Tokens));
        Assert.Equal("", parts[^1].Text.Value);
    }
}
