using System.Security.Cryptography;
using System.Text;

namespace Formation.Inference.Gateway.OpenAI.Answers;

/// <summary>What every chunk and answer to one request says about it.</summary>
/// <param name="Id">The answer's id, <c>chatcmpl-…</c> or <c>cmpl-…</c>.</param>
/// <param name="Created">When the request came, in seconds since 1970.</param>
/// <param name="Model">The model.</param>
/// <param name="SystemFingerprint">Changes when the same request and seed may get another answer: with the server's version or the model's
/// file.</param>
internal sealed record AnswerHeader(string Id, long Created, string Model, string SystemFingerprint)
{
    static readonly string Version = typeof(AnswerHeader).Assembly.GetName().Version!.ToString(3);

    internal static AnswerHeader Create(string id, DateTimeOffset now, ModelDescription model)
    {
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{Version}\n{model.Id}\n{model.Created.ToUnixTimeMilliseconds()}"));
        return new AnswerHeader(id, now.ToUnixTimeSeconds(), model.Id, $"fp_{Convert.ToHexStringLower(hash.AsSpan(0, 5))}");
    }
}
