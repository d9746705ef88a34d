namespace Formation.Inference.Cli.Bench.Http;

/// <summary>What <c>form bench --http</c> found about a running server.</summary>
/// <param name="Url">The server.</param>
/// <param name="Model">The model's id there.</param>
/// <param name="Results">One row for each number of streams.</param>
/// <param name="FirstTokens">Two rows for each length of a prompt.</param>
sealed record HttpReport(string Url, string Model, IReadOnlyList<HttpResult> Results, IReadOnlyList<FirstTokenResult> FirstTokens);

/// <summary>The speed of streams that generate together.</summary>
/// <param name="Test"><c>tg64x8</c>: 8 streams of 64 tokens each.</param>
/// <param name="TokensPerSecond">All streams together.</param>
sealed record HttpResult(string Test, Spread TokensPerSecond);

/// <summary>How long a client waits for the first piece of an answer.</summary>
/// <param name="PromptTokens">Tokens of the prompt, the chat template's included, as the server counted them.</param>
/// <param name="CachedTokens">How many of them the server found in its prefix cache.</param>
/// <param name="Seconds">From sending the request on.</param>
sealed record FirstTokenResult(int PromptTokens, int CachedTokens, Spread Seconds);
