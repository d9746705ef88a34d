using Formation.Inference.Cli.Bench;
using Formation.Inference.Cli.Bench.Peers;

namespace Formation.Inference.Cli.Tests.Bench.Peers;

public sealed class PeerSessionTests
{
    private const string Greeting = """{"engine":"llama.cpp v1","package":"p 2","kernels":"zen4"}""";

    private static readonly BenchTest Test = new(BenchTestKind.Generation, 64, 8);

    private readonly StringWriter _requests = new();

    [Fact]
    public async Task The_peer_says_what_it_is() =>
        Assert.Equal(new PeerGreeting("llama.cpp v1", "p 2", "zen4"), (await OpenAsync(Greeting)).Greeting);

    [Fact]
    public async Task A_test_is_named_and_its_speed_comes_from_tokens_and_seconds()
    {
        var session = await OpenAsync(Greeting, """{"test":"tg64x8","tokens":512,"seconds":4}""");

        Assert.Equal(128, await session.MeasureAsync(Test, TestContext.Current.CancellationToken));
        Assert.Equal("tg64x8", _requests.ToString().Trim());
    }

    [Theory]
    [InlineData("""{"error":"out of memory"}""", "out of memory")]
    [InlineData("""{"test":"tg64","tokens":512,"seconds":4}""", "tg64x8")]
    [InlineData("""{"test":"tg64x8","tokens":512}""", "tg64x8")]
    [InlineData("""{"test":"tg64x8","tokens":512,"seconds":0}""", "tg64x8")]
    [InlineData("Segmentation fault", "Segmentation fault")]
    [InlineData("null", "null")]
    public async Task An_answer_that_is_none_is_told(string answer, string told)
    {
        var session = await OpenAsync(Greeting, answer);

        var error = await Assert.ThrowsAsync<PeerException>(() => session.MeasureAsync(Test, TestContext.Current.CancellationToken));
        Assert.Contains(told, error.Message);
    }

    [Fact]
    public async Task A_peer_that_ends_too_early_is_told()
    {
        await Assert.ThrowsAsync<PeerException>(() => OpenAsync());
        var session = await OpenAsync(Greeting);
        await Assert.ThrowsAsync<PeerException>(() => session.MeasureAsync(Test, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("Welcome to Node.js")]
    public async Task A_greeting_that_is_none_is_told(string line) =>
        await Assert.ThrowsAsync<PeerException>(() => OpenAsync(line));

    private Task<PeerSession> OpenAsync(params string[] lines) =>
        PeerSession.OpenAsync(new StringReader(string.Join('\n', lines)), _requests, TestContext.Current.CancellationToken);
}
