namespace Formation.Inference.Engine.Grammars.Schemas;

/// <summary>The texts of the formats that JSON Schema names, or those of them that every reader takes.</summary>
internal static class SchemaFormats
{
    private const string Time = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";

    // Years from 1, each month with its days, and leap days in leap years.
    private const string Year = "([0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)";
    private const string LeapYear = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)";

    private const string Date =
        $"({Year}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|{LeapYear}-02-29)";

    private const int LongestLabel = 22, MostLabels = 8;
    private const string Label = "[a-z0-9A-Z]([a-zA-Z0-9-]{0,20}[a-zA-Z0-9])?";
    private const string Hostname = $"{Label}(\\.{Label}){{0,7}}";
    private const string Byte = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
    private const string Ipv4 = $"{Byte}(\\.{Byte}){{3}}";
    private const string Group = "[0-9a-fA-F]{1,4}";

    // All eight groups, or fewer with '::' between them.
    private const string Ipv6 =
        $"(({Group}:){{7}}{Group}|::|::{Group}(:{Group}){{0,6}}|({Group}:){{1,7}}:|({Group}:){{1}}(:{Group}){{1,6}}|({Group}:){{2}}(:{Group}){{1,5}}"
        + $"|({Group}:){{3}}(:{Group}){{1,4}}|({Group}:){{4}}(:{Group}){{1,3}}|({Group}:){{5}}(:{Group}){{1,2}}|({Group}:){{6}}:{Group})";

    private const string Duration =
        "P([0-9]{1,9}W|([0-9]{1,9}Y([0-9]{1,9}M([0-9]{1,9}D)?)?|[0-9]{1,9}M([0-9]{1,9}D)?|[0-9]{1,9}D)(T" + DurationTime + ")?|T" + DurationTime + ")";

    private const string DurationTime = "([0-9]{1,9}H([0-9]{1,9}M([0-9]{1,9}S)?)?|[0-9]{1,9}M([0-9]{1,9}S)?|[0-9]{1,9}S)";

    // A part of a path, without its separators.
    private const string Segment = "([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})";
    private const string Tail = $"(/{Segment}*)*(\\?({Segment}|[/?])*)?(#({Segment}|[/?])*)?";
    private const string Uri = $"([Hh][Tt][Tt][Pp][Ss]?|[Ff][Tt][Pp]|[Ww][Ss][Ss]?)://{Hostname}(:[1-9][0-9]{{0,3}})?{Tail}|mailto:{Email}|urn:[a-z][a-z0-9]{{1,15}}:{Segment}+";
    private const string Email = $"[a-zA-Z0-9_+-]{{1,32}}(\\.[a-zA-Z0-9_+-]{{1,16}}){{0,1}}@{Label}(\\.{Label}){{1,3}}";

    /// <summary>The texts of a format.</summary>
    /// <returns>Null for a format that says nothing about a text, as the unknown ones do.</returns>
    public static GrammarExpression? Of(SchemaPlace format) => format.Text() switch
    {
        "date" => RegexParser.Whole(Date),
        "time" => RegexParser.Whole(Time),
        "date-time" => RegexParser.Whole($"{Date}T{Time}"),
        "duration" => RegexParser.Whole(Duration),
        "email" or "idn-email" => RegexParser.Whole(Email),
        "hostname" or "idn-hostname" => RegexParser.Whole(Hostname),
        "ipv4" => RegexParser.Whole(Ipv4),
        "ipv6" => RegexParser.Whole(Ipv6),
        "uuid" => RegexParser.Whole("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
        "uri" or "iri" => RegexParser.Whole(Uri),
        "uri-reference" or "iri-reference" => RegexParser.Whole($"{Uri}|/({Segment}+{Tail})?"),
        "json-pointer" => RegexParser.Whole("(/([^/~]|~[01])*)*"),
        "relative-json-pointer" => RegexParser.Whole("(0|[1-9][0-9]{0,8})(#|(/([^/~]|~[01])*)*)"),
        "byte" => RegexParser.Whole("([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"),
        "regex" or "uri-template" => throw format.Fault("this format is not supported: a grammar can't hold it; use a 'pattern'"),
        _ => null,
    };

    /// <summary>Texts of a format that have no more characters than some: by how it is written, so that nobody has to count them.</summary>
    /// <returns>Null where there are too few, or the format has no such expression.</returns>
    public static GrammarExpression? Of(SchemaPlace format, int most) => format.Text() switch
    {
        "email" or "idn-email" when most >= 24 => RegexParser.Whole($"[a-zA-Z0-9_+-]{{1,{Math.Min(32, most / 3)}}}@{LabelsIn(most - Math.Min(32, most / 3) - 1, least: 2)}"),
        "hostname" or "idn-hostname" when most >= 8 => RegexParser.Whole(LabelsIn(most, least: 1)),
        "uri" or "iri" or "uri-reference" or "iri-reference" when most >= 24 => RegexParser.Whole(UriIn(most)),
        _ => null,
    };

    private static string LabelsIn(int most, int least)
    {
        var count = Math.Clamp((most + 1) / (LongestLabel + 1), 2, MostLabels);
        return $"{LabelIn(most, count)}(\\.{LabelIn(most, count)}){{{least - 1},{count - 1}}}";
    }

    // As long as so many of them may be, with the points between them.
    private static string LabelIn(int most, int count) => $"[a-zA-Z0-9]([a-zA-Z0-9-]{{0,{Math.Min(LongestLabel, (most + 1) / count - 1) - 2}}}[a-zA-Z0-9])?";

    private static string UriIn(int most)
    {
        const string Scheme = "(https?|ftp|wss?)://", Character = "[A-Za-z0-9._~!$&'()*+,;=:@-]";
        var host = Math.Min(MostLabels * (LongestLabel + 1), (most - 8) / 2);
        var rest = most - 8 - host - 1;
        var query = rest / 3;
        return $"{Scheme}{LabelsIn(host, least: 1)}(/({Character}|/){{0,{rest - query - 1}}}(\\?({Character}|[/?]){{0,{query}}})?)?";
    }
}
