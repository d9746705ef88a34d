using System.Text.Json.Nodes;
using Formation.Inference.Cli.Bench.Http;
using Formation.Inference.Cli.Tests.Fakes;

namespace Formation.Inference.Cli.Tests.Bench.Http;

public sealed class StreamTimelineTests
{
    private readonly SteppingTime _time = new(TimeSpan.Zero);

    [Fact]
    public void One_stream_counts_from_its_first_piece_to_its_last()
    {
        var stream = new StreamTimeline(_time);
        Role(stream);
        _time.Advance(TimeSpan.FromSeconds(60));
        for (var i = 0; i < 5; i++)
        {
            Piece(stream);
            _time.Advance(TimeSpan.FromSeconds(0.5));
        }
        Usage(stream, completion: 5);

        Assert.Equal(5, stream.Pieces.Count);
        Assert.Equal(2, StreamTimeline.TokensPerSecond([stream], _time), 9);
    }

    [Fact]
    public void Tokens_that_came_joined_count_as_what_they_are()
    {
        var stream = new StreamTimeline(_time);
        Piece(stream);
        _time.Advance(TimeSpan.FromSeconds(1));
        Piece(stream);
        Usage(stream, completion: 8);

        Assert.Equal(4, StreamTimeline.TokensPerSecond([stream], _time), 9);
    }

    [Fact]
    public void Streams_count_only_while_all_of_them_run()
    {
        var early = new StreamTimeline(_time);
        var late = new StreamTimeline(_time);
        for (var second = 0; second < 6; second++)
        {
            if (second < 4)
                Piece(early);
            if (second >= 1)
                Piece(late);
            _time.Advance(TimeSpan.FromSeconds(1));
        }
        Usage(early, completion: 4);
        Usage(late, completion: 5);

        // From second 1 to 3 each of them has two pieces of one token.
        Assert.Equal(2, StreamTimeline.TokensPerSecond([early, late], _time), 9);
    }

    [Fact]
    public void Streams_that_never_ran_together_have_no_speed()
    {
        var first = new StreamTimeline(_time);
        var second = new StreamTimeline(_time);
        foreach (var stream in (StreamTimeline[])[first, second])
        {
            Piece(stream);
            _time.Advance(TimeSpan.FromSeconds(1));
            Piece(stream);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Contains("--generate", Assert.Throws<CommandException>(() => StreamTimeline.TokensPerSecond([first, second], _time)).Message);
    }

    [Fact]
    public void A_single_piece_has_no_speed()
    {
        var stream = new StreamTimeline(_time);
        Piece(stream);

        Assert.Throws<CommandException>(() => StreamTimeline.TokensPerSecond([stream], _time));
    }

    [Fact]
    public void The_usage_is_kept_as_the_server_counted_it()
    {
        var stream = new StreamTimeline(_time);
        stream.Add(JsonNode.Parse(
            """{"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":96}}}""")!.AsObject());

        Assert.Equal((100, 7, 96), (stream.PromptTokens, stream.CompletionTokens, stream.CachedTokens));
    }

    private static void Role(StreamTimeline stream) =>
        stream.Add(JsonNode.Parse("""{"choices":[{"delta":{"role":"assistant","content":""}}]}""")!.AsObject());

    private static void Piece(StreamTimeline stream) =>
        stream.Add(JsonNode.Parse("""{"choices":[{"delta":{"content":"word"}}]}""")!.AsObject());

    private static void Usage(StreamTimeline stream, int completion) =>
        stream.Add(new JsonObject { ["choices"] = new JsonArray(), ["usage"] = new JsonObject { ["completion_tokens"] = completion } });
}
