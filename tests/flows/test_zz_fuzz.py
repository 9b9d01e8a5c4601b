import random, json, time, os
from tests.conftest import fresh_database
from tests.flows.conftest import *
PIECES=[b"\0",b"\xff",b"%00",b"%ff",b"%ED%A0%80",b"\\ud800",b"'",b'"',b"\\",b"{",b"}",b"[",b"]",b":",b",",b"null",b"true",b"1e999",b"-1",b"99999999999999999999",b"a",b"=",b"&",b"+",b"%",b"oauth_client_",b"0"*32,b"bot_",b"m2m",b"botUserId",b"displayName",b"redirectUri",b"scopes",b"expiresUtc",b"2099-01-01T00:00:00Z",b"name",b"email",b"@",b"https://",b"grant_type",b"client_credentials",b"client_id",b"client_secret",b"scope",b"token",b" ",b"\t",b"\xc3\xa9",b"\xf0\x9f\xa4\x96", b"Bearer ", b"Basic ", b"e30", b".", b"==", b'"1"', b"W/", b"*", b"secret_"]
R=random.Random(int(os.environ.get("SEED","1")))
def noise(n): return b"".join(R.choice(PIECES) for _ in range(R.randrange(n)))
VALUES=[None,True,False,0,1,-1,10**30,1.5,1e308,"","a","\0","\ud800","é"*300,"x"*451,"x"*3000,[],{}, [None],["a"],{"a":1},"https://a.example/","2099-01-01T00:00:00Z","9999-12-31T23:59:59-23:59","0001-01-01T00:00:00+23:59","api:public","b@c"]
NAMES=["m2m","botUserId","displayName","redirectUri","redirectUris","scopes","name","expiresUtc","email","firstName","lastName","x","\0","\ud800",""]
async def test_fuzz(postgres):
    async with serving(await fresh_database(postgres), rate_limit=1000000, failed_auth_limit=5) as live:
        cid,sec=await live.register()
        paths=["/api/v1/auth/clients",f"/api/v1/auth/clients/{cid}",f"/api/v1/auth/clients/{cid}/secrets","/api/v1/auth/bots","/openid/token","/openid/introspect","/openid/revoke","/openid/jwks","/health/ready","/docs/x","/openapi.json"]
        end=time.time()+40; n=0; seen={}
        while time.time()<end:
            n+=1
            path=R.choice(paths).encode()
            if R.random()<.2: path+=b"/"+noise(3).replace(b" ",b"").replace(b"\t",b"")
            if R.random()<.3: path+=b"?"+R.choice([b"limit=",b"cursor=",b"owner=",b"state=",b"displayName=",b"botUserId=",b""])+noise(4).replace(b" ",b"").replace(b"\t",b"")
            form=b"/openid" in path
            hs=[(b"Host",b"x")]
            if R.random()<.85 and not form: hs.append((b"Authorization",live.bearer["Authorization"].encode()))
            elif R.random()<.5: hs.append((b"Authorization",R.choice([b"Bearer ",b"Basic ",b""])+noise(6)))
            for h in (b"If-Match",b"Idempotency-Key",b"Muniment-Min-Position",b"Content-Encoding",b"Accept",b"Expect"):
                if R.random()<.15: hs.append((h,noise(4)))
            if b"client" in path and R.random()<.7: hs.append((b"If-Match",b"*"))
            hs.append((b"Content-Type", (b"application/x-www-form-urlencoded" if form else b"application/json") if R.random()<.95 else noise(4)))
            if form:
                body=b"&".join([b"grant_type=client_credentials",b"client_id="+cid.encode(),b"client_secret="+sec.encode()][:R.randrange(4)]+[b"token="+noise(4),noise(6)])
            else:
                body=json.dumps({R.choice(NAMES):R.choice(VALUES) for _ in range(R.randrange(6))}).encode() if R.random()<.8 else noise(30)
            m=R.choice([b"GET",b"POST",b"POST",b"POST",b"PATCH",b"PATCH",b"DELETE",b"HEAD",b"PUT",b"OPTIONS"])
            if m==b"DELETE" and (path.split(b"?")[0] in (b"/api/v1/auth/clients",f"/api/v1/auth/clients/{cid}".encode())): continue
            if path.endswith(b"/disable"): continue
            hs=[(k,v.replace(b"\0",b"") if R.random()<.9 else v) for k,v in hs]
            raw=m+b" "+path+b" HTTP/1.1\r\n"+b"".join(k+b": "+v+b"\r\n" for k,v in hs)+b"Content-Length: %d\r\nConnection: close\r\n\r\n"%len(body)+body
            try: a=await exchange(live,raw)
            except (ConnectionError, asyncio.IncompleteReadError, OSError) as f: a=repr(f).encode(); 
            st=a.split(b" ",2)[1][:3] if a.startswith(b"HTTP") else a[:30]
            seen[st]=seen.get(st,0)+1
            if st.startswith(b"5") : print("!!!!",raw[:600],a[:300])
        print(n,seen)
