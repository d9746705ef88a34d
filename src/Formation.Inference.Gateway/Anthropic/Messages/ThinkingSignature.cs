using System.Security.Cryptography;
using System.Text;

namespace Formation.Inference.Gateway.Anthropic.Messages;

/// <summary>
/// What stands in for the service's signature of a thought, which clients keep and send back: the thought's SHA-256 in base64. Nothing is decided by
/// it, as whoever sends a thought could as well say anything else to the model.
/// </summary>
internal static class ThinkingSignature
{
    internal static string Of(StringBuilder thought) => Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(thought.ToString())));
}
