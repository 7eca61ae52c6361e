"""Who we are to a server, and which server is trusted."""

from pathlib import Path

from asyncua import Client, ua
from asyncua.crypto import security_policies
from cryptography import x509

from twin_adapters.addresses import is_loopback, warn_of_clear_text
from twin_adapters.opcua.settings import OpcuaSettings
from twin_runtime.errors import ConfigError

MODES = {"sign": ua.MessageSecurityMode.Sign, "sign-and-encrypt": ua.MessageSecurityMode.SignAndEncrypt}
OUR_NAME = "urn:twin-runtime"


async def secure(client: Client, settings: OpcuaSettings) -> None:
    """Have a client use the certificates and the credentials of the settings; raises ConfigError where it cannot."""
    client.name = client.description = "twin-runtime"
    client.application_uri = client.product_uri = OUR_NAME
    if settings.username is not None:
        client.set_user(settings.username)
    password = settings.password()
    if password is not None:
        if not settings.is_encrypted and not is_loopback(settings.host):
            warn_of_clear_text("the password", settings.server)
        client.set_password(password)
    own, user = (settings.cert_file, settings.key_file), (settings.user_cert_file, settings.user_key_file)
    try:
        if settings.policy != "none":
            await _use_certificates(client, settings)
        if settings.user_cert_file is not None:
            await client.load_client_certificate(str(settings.user_cert_file))
            await client.load_private_key(str(settings.user_key_file))
    except (OSError, ValueError, TypeError) as error:
        files = ", ".join(str(file) for file in (*own, settings.server_cert_file, *user) if file)
        remedy = "give readable files, PEM (.pem) or DER: certificates, and our keys without a password"
        raise ConfigError(f"cannot use {files}: {error}", where="opcua", remedy=remedy) from error


async def _use_certificates(client: Client, settings: OpcuaSettings) -> None:
    assert settings.cert_file is not None, "a policy needs a certificate"
    client.application_uri = _uri(_certificate(settings.cert_file)) or OUR_NAME
    policy = getattr(security_policies, f"SecurityPolicy{settings.policy}")
    own, key, server = (str(file) for file in (settings.cert_file, settings.key_file, settings.server_cert_file))
    await client.set_security(policy, own, key, None, server, MODES[settings.mode])


def _certificate(path: Path) -> x509.Certificate:
    content = path.read_bytes()
    is_pem = content.lstrip().startswith(b"-----BEGIN")
    return x509.load_pem_x509_certificate(content) if is_pem else x509.load_der_x509_certificate(content)


def _uri(certificate: x509.Certificate) -> str:
    """The name of the application that a certificate was made for: a server compares it with the one we give."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""
    return next(iter(names.get_values_for_type(x509.UniformResourceIdentifier)), "")
