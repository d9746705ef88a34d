namespace Formation.Inference.Engine.Templates;

/// <summary>A clock that always shows the same time, in a zone of the same offset from UTC: for prompts that are to be rendered twice alike.</summary>
internal sealed class StandingClock(DateTimeOffset time) : TimeProvider
{
    public override TimeZoneInfo LocalTimeZone { get; } =
        TimeZoneInfo.CreateCustomTimeZone("standing", time.Offset, "standing", "standing");

    public override DateTimeOffset GetUtcNow() => time.ToUniversalTime();
}
