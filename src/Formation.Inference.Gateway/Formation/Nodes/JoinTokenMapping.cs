using Formation.Inference.Gateway.Requests;

namespace Formation.Inference.Gateway.Formation.Nodes;

/// <summary>From the body of a request for a token to its terms, every value checked.</summary>
internal static class JoinTokenMapping
{
    const int MaxLabels = 16;
    const int MaxTextLength = 64;
    const long MaxLifetime = 30 * 24 * 3600;

    internal static NodeInvitationTerms ToTerms(JoinTokenRequest body, string reachedAs)
    {
        ParameterChecks.NoneUnknown(body.Unknown);
        Dictionary<string, string> labels = body.Labels ?? [];
        ParameterChecks.Count("labels", labels.Count, 0, MaxLabels);
        foreach ((string name, string value) in labels)
        {
            if (name.Length is 0 or > MaxTextLength || !name.All(IsWordCharacter))
                throw ParameterChecks.InvalidValue("labels", $"a label's name is 1 to {MaxTextLength} of letters, digits, '.', '_', '-' and '/'.");
            if (value is null)
                throw ParameterChecks.InvalidValue("labels", "a label's value is a text.");
            Plain($"labels.{name}", value);
        }

        return new NodeInvitationTerms
        {
            Lifetime = TimeSpan.FromSeconds(ParameterChecks.Integer("expires_in", body.ExpiresIn, 1, MaxLifetime) ?? 3600),
            Region = Plain("region", body.Region),
            Labels = labels,
            IsTrusted = body.Trusted ?? false,
            ReachedAs = reachedAs,
        };
    }

    static string? Plain(string param, string? value) =>
        ParameterChecks.Text(param, value, MaxTextLength) is { } text && text.Any(char.IsControl)
            ? throw ParameterChecks.InvalidValue(param, "it holds control characters.")
            : value;

    static bool IsWordCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or '/';
}
