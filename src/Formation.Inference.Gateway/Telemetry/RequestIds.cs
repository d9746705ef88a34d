using System.Security.Cryptography;

namespace Formation.Inference.Gateway.Telemetry;

/// <summary>Makes the identifiers of requests and answers.</summary>
/// <param name="create">Gives another identifier at each call.</param>
internal sealed class RequestIds(Func<string> create)
{
    /// <summary>Identifiers that nobody can guess: 128 random bits in hexadecimal.</summary>
    internal static RequestIds Random { get; } = new(() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)));

    internal string Create() => create();
}
